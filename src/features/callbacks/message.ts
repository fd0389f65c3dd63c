import type { RawCallback } from "./store.ts";

/** A body that came with the right token while the database could not store it; it is nowhere else. */
export type CallbackMessage = { merchantId: number; id: string; raw: RawCallback };
