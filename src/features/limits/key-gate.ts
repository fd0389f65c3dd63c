import { DurableObject } from "cloudflare:workers";
import type { Env, FraudLimits, Limits } from "../../env.ts";
import { FraudHistory } from "../fraud/history.ts";
import { judgeFraud, type Outcome } from "../fraud/rules.ts";
import { admitCall, type GateAnswer, type KeyWindows } from "./rules.ts";

/** How many hashes a gate remembers as no longer its key's. A key is regenerated far more rarely. */
const DISOWNED_KEPT = 100;

/** A push that asks for its call. `phone` is any text that is the same for the same phone. */
export type GatePush = { id: string; phone: string };

/** With the rules that judge it. */
export type JudgedPush = GatePush & { limits: FraudLimits };

/**
 * One object a key id. Counts the key's calls, and its pushes for the fraud rules, in storage, so that an
 * eviction forgets nothing.
 */
export class KeyGate extends DurableObject<Env> {
  private readonly history: FraudHistory;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.storage.sql.exec(`
      CREATE TABLE IF NOT EXISTS windows (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        minute_ends INTEGER NOT NULL, minute_count INTEGER NOT NULL,
        day_ends INTEGER NOT NULL, day_count INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS disowned (id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE);`);
    this.history = new FraudHistory(ctx.storage.sql);
  }

  /**
   * Counts one call of the key with this hash if its minute and its day have room. A push is judged by
   * the fraud rules too, and counts among the key's pushes unless they block it.
   */
  take(hash: string, limits: Pick<Limits, "key_minute" | "key_day">, push?: JudgedPush): GateAnswer {
    const { sql } = this.ctx.storage;
    const now = Date.now();
    const stored = sql
      .exec<KeyWindows>(
        `SELECT minute_ends AS minuteEnds, minute_count AS minuteCount, day_ends AS dayEnds,
                day_count AS dayCount FROM windows`,
      )
      .toArray()[0];
    const { windows, answer } = admitCall(stored, now, limits);
    if (sql.exec("SELECT 1 FROM disowned WHERE hash = ?", hash).toArray().length > 0) {
      return { ...answer, verdict: "disowned" };
    }
    if (answer.verdict === "admitted") {
      sql.exec(
        `INSERT INTO windows VALUES (1, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
           minute_ends = excluded.minute_ends, minute_count = excluded.minute_count,
           day_ends = excluded.day_ends, day_count = excluded.day_count`,
        windows.minuteEnds,
        windows.minuteCount,
        windows.dayEnds,
        windows.dayCount,
      );
    }
    if (!push || answer.verdict !== "admitted") return answer;
    const fraud = judgeFraud(this.history.view(now), push.limits);
    if (!fraud) this.history.add(push.id, push.phone, now);
    return { ...answer, fraud };
  }

  /** A push that was counted and came to nothing: denied by another check, or refused by M-Pesa. */
  forgetPush(id: string): void {
    this.history.remove(id);
  }

  finishPush(id: string, outcome: Outcome): void {
    this.history.finish(id, outcome, Date.now());
  }

  /** Notes that the fraud rules denied a push with a 403. @returns whether the key is to be suspended. */
  denyForFraud(): boolean {
    return this.history.deny(Date.now());
  }

  /** The operator released the key. */
  pardon(): void {
    this.history.pardon();
  }

  /**
   * The database said that this hash is no key (any more): gives its call back and answers later ones
   * without counting, so that a leaked key that was replaced cannot eat up its successor's windows.
   */
  disown(hash: string): void {
    const { sql } = this.ctx.storage;
    sql.exec("UPDATE windows SET minute_count = max(0, minute_count - 1), day_count = max(0, day_count - 1)");
    sql.exec("INSERT OR IGNORE INTO disowned (hash) VALUES (?)", hash);
    sql.exec("DELETE FROM disowned WHERE id <= (SELECT max(id) FROM disowned) - ?", DISOWNED_KEPT);
  }
}
