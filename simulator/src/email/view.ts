import { isoTime } from "../lib/clock.ts";
import type { Email } from "./mailbox.ts";

export const emailView = ({ id, address, sender, subject, text, html, at }: Email) => ({
  id,
  from: sender,
  to: address,
  subject,
  text,
  html,
  at: isoTime(at),
});
