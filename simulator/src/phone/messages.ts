import { rows, type World } from "../world.ts";

export type Message = { id: string; msisdn: string; sender: string; text: string; at: number };

/** Puts a text message into a phone's inbox. */
export function receiveMessage(world: World, msisdn: string, sender: string, text: string): void {
  world.sql.exec(
    "INSERT INTO messages (id, msisdn, sender, text, at) VALUES (?, ?, ?, ?, ?)",
    crypto.randomUUID(),
    msisdn,
    sender,
    text,
    world.now(),
  );
  world.phoneChanged(msisdn);
}

/** A phone's messages, oldest first. */
export function messagesOn(world: World, msisdn: string): Message[] {
  return rows<Message>(world, "SELECT * FROM messages WHERE msisdn = ? ORDER BY at, rowid", msisdn);
}
