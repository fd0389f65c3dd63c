/** Asks for a notice to be sent now. */
export type NoticeMessage = { id: string };
