import { DurableObject } from "cloudflare:workers";
import { type Env, readConfig } from "../../env.ts";
import { SECOND_MS } from "../../lib/clock.ts";
import { parseJson } from "../../lib/json.ts";
import { tokenAnswer } from "./wire.ts";

export type AccessToken = { value: string; expiresAt: number };

/** A fault is told, not thrown: over RPC a throw would count as the object's own failure. */
export type TokenAnswer = { token: AccessToken } | { fault: string };

/** A token is renewed this long before Daraja ends it. */
const RENEWAL_MARGIN_MS = 120 * SECOND_MS;
const FETCH_TIMEOUT_MS = 8 * SECOND_MS;

/**
 * The one holder of Daraja's access token: a new token ends the life of the one before, so two holders
 * would break each other. Concurrent callers share one fetch.
 */
export class DarajaToken extends DurableObject<Env> {
  private fetching: Promise<TokenAnswer> | undefined;

  /** Answers where the object can be reached. */
  ping(): void {}

  /** The current token; `refused` is one that Daraja did not accept, so that it is fetched anew once for all. */
  async get(refused?: string): Promise<TokenAnswer> {
    const stored = this.ctx.storage.kv.get<AccessToken>("token");
    if (stored && stored.value !== refused && stored.expiresAt > Date.now()) return { token: stored };
    this.fetching ??= this.fetchToken()
      .then((token) => ({ token }))
      .catch((error) => ({ fault: String(error) }))
      .finally(() => {
        this.fetching = undefined;
      });
    return this.fetching;
  }

  private async fetchToken(): Promise<AccessToken> {
    const { baseUrl, consumerKey, consumerSecret } = readConfig(this.env).daraja;
    const response = await fetch(`${baseUrl}/oauth/v1/generate?grant_type=client_credentials`, {
      headers: { Authorization: `Basic ${btoa(`${consumerKey}:${consumerSecret}`)}` },
      signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
    });
    const body = await response.text();
    const answer = response.ok ? tokenAnswer.safeParse(parseJson(body)) : undefined;
    if (!answer?.success) throw new Error(`Daraja gave no access token: HTTP ${response.status}`);
    const lifeMs = answer.data.expires_in * SECOND_MS;
    const token = {
      value: answer.data.access_token,
      expiresAt: Date.now() + Math.max(lifeMs / 2, lifeMs - RENEWAL_MARGIN_MS),
    };
    this.ctx.storage.kv.put("token", token);
    return token;
  }
}
