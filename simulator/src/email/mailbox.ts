import { rows, type World } from "../world.ts";

/** One email as it lies in one address's mailbox. */
export type Email = {
  id: string;
  address: string;
  sender: string;
  subject: string;
  text: string;
  html: string;
  at: number;
};

export function storeEmail(world: World, email: Omit<Email, "at">): void {
  world.sql.exec(
    "INSERT INTO emails (id, address, sender, subject, text, html, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
    email.id,
    email.address,
    email.sender,
    email.subject,
    email.text,
    email.html,
    world.now(),
  );
}

/** One address's emails, oldest first. */
export const emailsTo = (world: World, address: string) =>
  rows<Email>(world, "SELECT * FROM emails WHERE address = ? ORDER BY at, rowid", address.toLowerCase());

/** The latest emails of all addresses, newest first, for the mailbox page. */
export const allEmails = (world: World) =>
  rows<Email>(world, "SELECT * FROM emails ORDER BY at DESC, rowid DESC LIMIT 200");
