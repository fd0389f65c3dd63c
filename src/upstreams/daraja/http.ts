import type { DarajaConfig } from "../../env.ts";
import { type Clock, SECOND_MS } from "../../lib/clock.ts";
import { parseJson } from "../../lib/json.ts";
import type { Meter } from "../../lib/meter.ts";
import type { Metrics } from "../metrics/port.ts";
import type { Outgoing } from "../outgoing.ts";
import type { AccessToken, DarajaToken } from "./token.ts";
import { type HttpAnswer, isTokenRefusal } from "./translate.ts";

export type DarajaHttpDeps = {
  outgoing: Outgoing;
  config: DarajaConfig;
  /** Shortens the timeouts locally, to five seconds at the least. */
  scaled: (ms: number) => number;
  tokens: DurableObjectNamespace<DarajaToken>;
  now: Clock;
  metrics: Metrics;
  /** Told of each call how long it took, and whether it got an answer. */
  meter: Pick<Meter, "note">;
};

/** There was no access token, so nothing was sent. */
export type NoToken = { noToken: string };

export type DarajaHttp = ReturnType<typeof darajaHttp>;

const PAYMENTS = "stkpush";
/** A product that refused a new token too is asked with the one there is for so long. */
const RENEWAL_IS_VAIN_MS = 10 * SECOND_MS;

/**
 * By product, until when a new token does not help. Where a product is not on the app it refuses every token,
 * and each new one would end the one that the payments are using, which come first and are always given one.
 */
const renewalIsVain = new Map<string, number>();

/** The isolate's copy of the token: memory only saves the trip, the Durable Object decides. */
let cached: AccessToken | undefined;

/** JSON over HTTP with Daraja's access token. */
export function darajaHttp(deps: DarajaHttpDeps) {
  const { config, tokens, now, metrics, outgoing } = deps;
  const object = () => tokens.getByName(config.shortcode);

  async function token(refused?: string): Promise<AccessToken> {
    if (cached && cached.value !== refused && cached.expiresAt > now()) return cached;
    const answer = await object().get(refused);
    if ("fault" in answer) throw new Error(answer.fault);
    cached = answer.token;
    return cached;
  }

  /** A failure is what tells nothing: no answer in time, or one that is no JSON. */
  async function metered(path: string, call: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
    const at = now();
    let isFailure = true;
    try {
      const answer = await call();
      isFailure = answer.json === undefined;
      return answer;
    } finally {
      deps.meter.note(`daraja:${callOf(path)}`, { at, ms: now() - at, isFailure });
    }
  }

  /** Posts with the token; where Daraja does not accept it, once more with a new one. */
  const post = (path: string, body: object, timeoutMs: number): Promise<HttpAnswer | NoToken> =>
    outgoing(() => postNow(path, body, timeoutMs));

  async function postNow(path: string, body: object, timeoutMs: number): Promise<HttpAnswer | NoToken> {
    const startedAt = now();
    const told = (detail: string) =>
      metrics({ kind: "daraja", name: callOf(path), detail, ms: now() - startedAt });
    try {
      const answer = await postUncounted(path, body, timeoutMs);
      told("noToken" in answer ? "no_token" : `http_${answer.status}`);
      return answer;
    } catch (error) {
      told(error instanceof Error && error.name === "TimeoutError" ? "timeout" : "network");
      throw error;
    }
  }

  async function postUncounted(path: string, body: object, timeoutMs: number): Promise<HttpAnswer | NoToken> {
    const signal = AbortSignal.timeout(Math.max(5 * SECOND_MS, deps.scaled(timeoutMs)));
    const product = callOf(path);
    let refusedToken: string | undefined;
    for (;;) {
      let current: AccessToken;
      try {
        current = await token(refusedToken);
      } catch (error) {
        return { noToken: String(error) };
      }
      const answer = await metered(path, async () => {
        const response = await fetch(config.baseUrl + path, {
          method: "POST",
          headers: { Authorization: `Bearer ${current.value}`, "Content-Type": "application/json" },
          body: JSON.stringify(body),
          redirect: "manual",
          signal,
        });
        return { status: response.status, json: parseJson(await response.text()) };
      });
      if (!isTokenRefusal(answer) || now() < (renewalIsVain.get(product) ?? 0)) return answer;
      if (refusedToken !== undefined) {
        if (product !== PAYMENTS) renewalIsVain.set(product, now() + RENEWAL_IS_VAIN_MS);
        return answer;
      }
      refusedToken = current.value;
    }
  }

  return { config, now, outgoing, post, token, object };
}

/** The product in Daraja's path: `stkpush`, `stkpushquery`, `b2c`, `pulltransactions` … */
const callOf = (path: string) => path.replace(/^\/mpesa/, "").split("/")[1] ?? path;
