import { eastAfricaTime } from "../../lib/clock.ts";
import { randomHex } from "../../lib/hash.ts";
import { accountNumber, storedMerchantId } from "../../lib/ids.ts";
import { type Destination, describeDestination } from "./destination.ts";
import type { StoredKey } from "./store.ts";

/** A change of a key that the merchant is told of, since whoever makes it could take the merchant's money. */
export type KeyChange =
  | { kind: "destination"; destination: Destination; callbackUrl: string | undefined }
  | { kind: "regenerated" }
  | { kind: "deleted" };

const IF_NOT_YOU =
  "If this was not you, somebody else has one of your API keys: regenerate your keys now, check where your payments go, and contact support.";

/** The email's text, and an id that no other occasion has. The key itself is never in it. */
export function changeEmail(
  key: Pick<StoredKey, "id" | "merchantId" | "name">,
  change: KeyChange,
  now: number,
): { id: string; subject: string; body: string } {
  const account = accountNumber(storedMerchantId(key.merchantId));
  const { title, what } = wording(key.name, change);
  return {
    id: `key_${change.kind}:${key.id}:${randomHex(8)}`,
    subject: `SmartPay: ${title} (${account})`,
    body: [
      `API account "${key.name}" (key ${key.id}) of ${account}, on ${eastAfricaTime(now)} EAT:`,
      what,
      `${IF_NOT_YOU}\n`,
    ].join("\n\n"),
  };
}

function wording(name: string, change: KeyChange): { title: string; what: string } {
  switch (change.kind) {
    case "destination": {
      const where = `Payments now go to ${describeDestination(change.destination)}.`;
      const what = [where, ...callbackLine(change.callbackUrl)].join("\n");
      return { title: `payment settings of "${name}" changed`, what };
    }
    case "regenerated":
      return {
        title: `API key of "${name}" replaced`,
        what: "The API key was regenerated. The old key no longer works.",
      };
    case "deleted":
      return {
        title: `API account "${name}" deleted`,
        what: "The API account was deleted. Its key no longer works and its unused calls have lapsed; its transactions stay.",
      };
  }
}

/** Nothing where the request left the URL as it was. */
function callbackLine(url: string | undefined): string[] {
  if (url === undefined) return [];
  return [url === "" ? "Results are no longer sent to a callback URL." : `Results are sent to ${url}`];
}
