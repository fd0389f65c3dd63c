import { callbackToken } from "../../lib/callback-token.ts";
import { isPayoutId, parseMerchantId } from "../../lib/ids.ts";
import type { ResultUrls } from "../../upstreams/daraja/port.ts";
import type { PayoutRef } from "./store.ts";

/** What a payout's callback URL is for: its own outcome, or the answer to a question after it. */
export type PayoutCallbackKind = "result" | "timeout" | "status" | "status-timeout";

const KINDS = new Set<string>([
  "result",
  "timeout",
  "status",
  "status-timeout",
] satisfies PayoutCallbackKind[]);
export const isPayoutCallbackKind = (text: string): text is PayoutCallbackKind => KINDS.has(text);

/** What the token of such a URL is for. */
export const payoutOccasion = (kind: PayoutCallbackKind, { merchantId, id }: PayoutRef, attempt: number) =>
  ["payout", kind, merchantId, id, attempt] as const;

/** The payout that such a URL's path names, and what for; undefined where it can be none of ours. */
export function namedPayout(path: { kind: string; merchant: string; id: string; attempt: string }) {
  const { kind, id } = path;
  const merchantId = parseMerchantId(path.merchant);
  const attempt = Number(path.attempt);
  const isOurs = isPayoutCallbackKind(kind) && isPayoutId(id) && Number.isInteger(attempt);
  return isOurs && merchantId !== undefined ? { kind, ref: { merchantId, id }, attempt } : undefined;
}

type UrlDeps = { publicBaseUrl: string; appSecret: string };

async function url(
  deps: UrlDeps,
  kind: PayoutCallbackKind,
  ref: PayoutRef,
  attempt: number,
): Promise<string> {
  const token = await callbackToken(deps.appSecret, ...payoutOccasion(kind, ref, attempt));
  return `${deps.publicBaseUrl}/cb/payout/${kind}/${ref.merchantId}/${ref.id}/${attempt}/${token}`;
}

export const resultUrls = async (deps: UrlDeps, ref: PayoutRef, attempt: number): Promise<ResultUrls> => ({
  resultUrl: await url(deps, "result", ref, attempt),
  timeoutUrl: await url(deps, "timeout", ref, attempt),
});

export const statusUrls = async (deps: UrlDeps, ref: PayoutRef, attempt: number): Promise<ResultUrls> => ({
  resultUrl: await url(deps, "status", ref, attempt),
  timeoutUrl: await url(deps, "status-timeout", ref, attempt),
});
