import { SmartPayError, WebhookError } from "./errors.ts";
import type { PaymentResult } from "./types.ts";

type Told = {
  /** The same on every attempt: remember it to handle each once. A failure and a later success of one payment have two. */
  id: string;
  sentAt: Date;
  /** Sent by `keys.testWebhook`: no payment was made. */
  isTest: boolean;
  checkoutRequestId: string;
  merchantRequestId: string;
  resultCode: number;
  resultDesc: string;
  /** The body as it came. */
  body: PaymentResult;
};

/** The result of a payment. Money has moved only where `isPaid`. */
export type PaymentEvent = Told &
  ({ isPaid: true; payment: Payment } | { isPaid: false; payment: undefined });

export type Payment = {
  /** Whole shillings. */
  amount: number;
  receipt: string;
  /** `254…` */
  phone: string;
  /** `YYYYMMDDHHMMSS`, East Africa Time. */
  paidAt: string;
};

type HeaderRecord = Record<string, string | string[] | undefined>;

/** A `Request`, or the headers and the body exactly as it came, before `JSON.parse`. */
export type Delivered = Request | { headers: Headers | HeaderRecord; body: string | Uint8Array };

export type WebhookOptions = {
  /** The most that a webhook's time may differ from this server's; 5 minutes by default. */
  toleranceSeconds?: number;
  /** This server's time in milliseconds. */
  now?: () => number;
};

/**
 * Reads a webhook that the gateway signed (Standard Webhooks 1.0).
 * @param secret the key's `whsec_…`; a list while you change over to another.
 * @throws WebhookError where it is forged, altered, too old, or no payment's result.
 */
export async function readWebhook(
  delivered: Delivered,
  secret: string | readonly string[] | undefined,
  { toleranceSeconds = 300, now = Date.now }: WebhookOptions = {},
): Promise<PaymentEvent> {
  const secrets = [secret ?? []].flat();
  if (secrets.length === 0) throw new SmartPayError("Give the key's webhook secret.");
  const header = headerOf(delivered.headers);
  const bytes = await bytesOf(delivered);
  const id = header("webhook-id");
  const timestamp = header("webhook-timestamp");
  const signatures = header("webhook-signature");
  if (!id || !timestamp || !signatures) throw new WebhookError("The webhook is not signed.");
  if (!/^\d{1,12}$/.test(timestamp)) throw new WebhookError("The webhook's time cannot be read.");
  if (Math.abs(now() / 1_000 - Number(timestamp)) > toleranceSeconds) {
    throw new WebhookError("The webhook is too old, or this server's clock is wrong.");
  }
  const signed = joined(new TextEncoder().encode(`${id}.${timestamp}.`), bytes);
  if (!(await isSignedByOne(secrets, signatures, signed))) {
    throw new WebhookError("The webhook's signature is not the gateway's.");
  }
  const sentAt = new Date(Number(timestamp) * 1_000);
  return eventOf(new TextDecoder().decode(bytes), { id, sentAt, isTest: header("webhook-test") === "true" });
}

function headerOf(headers: Headers | HeaderRecord): (name: string) => string | undefined {
  if (headers instanceof Headers) return (name) => headers.get(name) ?? undefined;
  const entries = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return (name) => [entries.get(name)].flat()[0];
}

async function bytesOf(delivered: Delivered): Promise<Uint8Array> {
  if (delivered instanceof Request) return new Uint8Array(await delivered.arrayBuffer());
  const { body } = delivered;
  if (typeof body === "string") return new TextEncoder().encode(body);
  if (body instanceof Uint8Array) return body;
  throw new WebhookError("Give the body as it came, not what JSON.parse made of it.");
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

const fromBase64 = (text: string) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

/** WebCrypto compares in constant time. */
async function isSignedByOne(secrets: string[], signatures: string, signed: Uint8Array<ArrayBuffer>) {
  const given = signatures.split(" ").flatMap((signature) => {
    const [, base64 = ""] = /^v1,([A-Za-z0-9+/]{43}=)$/.exec(signature) ?? [];
    return base64 ? [fromBase64(base64)] : [];
  });
  const hmac = { name: "HMAC", hash: "SHA-256" };
  for (const secret of secrets) {
    if (!/^whsec_[A-Za-z0-9+/]+=*$/.test(secret))
      throw new SmartPayError("A webhook secret begins with whsec_.");
    const raw = fromBase64(secret.slice("whsec_".length));
    const key = await crypto.subtle.importKey("raw", raw, hmac, false, ["verify"]);
    for (const signature of given) {
      if (await crypto.subtle.verify("HMAC", key, signature, signed)) return true;
    }
  }
  return false;
}

function eventOf(text: string, envelope: Pick<Told, "id" | "sentAt" | "isTest">): PaymentEvent {
  // Signed by the gateway, whose bodies its document describes.
  const body = JSON.parse(text) as PaymentResult;
  const { MerchantRequestID, CheckoutRequestID, ResultCode, ResultDesc, CallbackMetadata } =
    body.Body.stkCallback;
  const told = {
    ...envelope,
    checkoutRequestId: CheckoutRequestID,
    merchantRequestId: MerchantRequestID,
    resultCode: ResultCode,
    resultDesc: ResultDesc,
    body,
  };
  if (ResultCode !== 0) return { ...told, isPaid: false, payment: undefined };
  const items = new Map(CallbackMetadata?.Item.map(({ Name, Value }) => [Name, Value]));
  const payment = {
    amount: Number(items.get("Amount")),
    receipt: String(items.get("MpesaReceiptNumber")),
    phone: String(items.get("PhoneNumber")),
    paidAt: String(items.get("TransactionDate")),
  };
  return { ...told, isPaid: true, payment };
}
