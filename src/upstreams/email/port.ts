export type Email = {
  to: string;
  subject: string;
  /** Plain text. */
  text: string;
  /** The same id is sent once, where the service honours it. */
  id: string;
};

export interface EmailPort {
  /** @throws if the service did not take it; it may be tried again. */
  send(email: Email): Promise<void>;
}
