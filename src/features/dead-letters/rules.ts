import { isPayoutId } from "../../lib/ids.ts";

export type DeadKind = "callback" | "webhook" | "payout" | "sms" | "notice" | "unknown";

/** Whose message it was and what it is about, as its body tells: a dead message does not name its queue. */
export function kindOf(body: unknown): { kind: DeadKind; subject: string } {
  const fields = typeof body === "object" && body !== null ? body : {};
  const id = "id" in fields && typeof fields.id === "string" ? fields.id : "";
  if ("raw" in fields) return { kind: "callback", subject: id };
  if ("kind" in fields && (fields.kind === "send" || fields.kind === "report"))
    return { kind: "sms", subject: id };
  if (isPayoutId(id)) return { kind: "payout", subject: id };
  if (id.startsWith("wh_")) return { kind: "webhook", subject: id };
  return id === "" ? { kind: "unknown", subject: "" } : { kind: "notice", subject: id };
}
