import { DurableObject } from "cloudflare:workers";
import type { Env } from "../../env.ts";
import { judgePhone, type PhoneClaim } from "./rules.ts";

export type PhoneAnswer = { granted: true } | { granted: false; retryAfterSeconds: number };

/** `name` is shared by copies of one request; `holder` is this copy alone. */
export type Claimant = { name: string; holder: string };

/** One object a phone: 3 pushes in any 5 minutes, over all keys and merchants. */
export class PhoneLimit extends DurableObject<Env> {
  private readonly waiting = new Set<() => void>();
  private tableExists = false;

  /**
   * Claims a slot before the push is stored. While others' undecided claims fill the window it waits
   * for them. The caller must `use` or `release` what it is granted.
   */
  async claim(by: Claimant, limits: { pushes: number; windowMs: number }): Promise<PhoneAnswer> {
    for (;;) {
      const now = Date.now();
      this.sql.exec("DELETE FROM claims WHERE at <= ?", now - limits.windowMs);
      const verdict = judgePhone(this.claims(), by.name, now, limits);
      if (verdict.kind === "full") return { granted: false, retryAfterSeconds: verdict.retryAfterSeconds };
      if (verdict.kind === "free") {
        this.sql.exec(
          "INSERT INTO claims VALUES (?, ?, ?, 0) ON CONFLICT DO NOTHING",
          by.name,
          by.holder,
          now,
        );
        await this.ctx.storage.setAlarm(now + limits.windowMs + 1_000);
        return { granted: true };
      }
      await this.nextDecision(verdict.untilMs - now);
    }
  }

  /** The push is stored: the slot is used until its five minutes are over. */
  use(by: Claimant): void {
    this.sql.exec(
      "INSERT INTO claims VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET used = 1",
      by.name,
      by.holder,
      Date.now(),
    );
    this.decided();
  }

  /** No prompt can have been sent: the slot is free again, unless another copy has it too. */
  release(by: Claimant): void {
    this.sql.exec("DELETE FROM claims WHERE name = ? AND holder = ?", by.name, by.holder);
    this.decided();
  }

  /** Nothing of a payer is kept for longer than the window needs it. */
  override async alarm(): Promise<void> {
    this.tableExists = false;
    await this.ctx.storage.deleteAll();
  }

  private get sql(): SqlStorage {
    const { sql } = this.ctx.storage;
    if (!this.tableExists) {
      sql.exec(`
        CREATE TABLE IF NOT EXISTS claims (
          name TEXT NOT NULL, holder TEXT NOT NULL, at INTEGER NOT NULL, used INTEGER NOT NULL,
          PRIMARY KEY (name, holder)) WITHOUT ROWID`);
      this.tableExists = true;
    }
    return sql;
  }

  private claims(): PhoneClaim[] {
    return this.sql
      .exec<{ name: string; at: number; used: number }>("SELECT name, at, used FROM claims")
      .toArray()
      .map((row) => ({ ...row, used: row.used === 1 }));
  }

  private decided(): void {
    for (const wake of this.waiting) wake();
    this.waiting.clear();
  }

  private async nextDecision(atMostMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.waiting.add(resolve);
    const timer = setTimeout(resolve, Math.max(1, atMostMs));
    await promise;
    clearTimeout(timer);
    this.waiting.delete(resolve);
  }
}
