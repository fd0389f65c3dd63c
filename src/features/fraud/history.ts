import { DAY_MS, HOUR_MS, SECOND_MS } from "../../lib/clock.ts";
import { OCCASIONS_TO_SUSPEND, type Outcome, type PushHistory, type WindowCounts } from "./rules.ts";

/** Longer than any window of the rules. */
const KEPT_MS = 2 * HOUR_MS;

/** A key's recent pushes and how they ended, in the storage of the key's Durable Object. */
export class FraudHistory {
  constructor(private readonly sql: SqlStorage) {
    sql.exec(`
      CREATE TABLE IF NOT EXISTS pushes (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL,
        phone TEXT NOT NULL, outcome TEXT, finished_at INTEGER);
      CREATE TABLE IF NOT EXISTS occasions (at INTEGER NOT NULL, last_push INTEGER NOT NULL);`);
  }

  /** @param phone any text that is the same for the same phone. */
  add(id: string, phone: string, now: number): void {
    this.sql.exec("DELETE FROM pushes WHERE max(at, coalesce(finished_at, 0)) <= ?", now - KEPT_MS);
    this.sql.exec(
      "INSERT INTO pushes (id, at, phone) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      id,
      now,
      phone,
    );
  }

  /** A push that came to nothing: it was denied or refused. */
  remove(id: string): void {
    this.sql.exec("DELETE FROM pushes WHERE id = ?", id);
  }

  finish(id: string, outcome: Outcome, now: number): void {
    this.sql.exec("UPDATE pushes SET outcome = ?, finished_at = ? WHERE id = ?", outcome, now, id);
  }

  view(now: number): PushHistory {
    const counted = new Map<number, WindowCounts>();
    return {
      pushesWithin: (seconds) =>
        this.sql
          .exec<{ n: number }>("SELECT count(*) AS n FROM pushes WHERE at > ?", now - seconds * SECOND_MS)
          .one().n,
      within: (seconds) => {
        const counts = counted.get(seconds) ?? this.countFinished(now - seconds * SECOND_MS);
        counted.set(seconds, counts);
        return counts;
      },
    };
  }

  /**
   * Notes a denial with a 403. The first one after an allowed push is an occasion.
   * @returns whether the occasions of a day suffice to suspend the key.
   */
  deny(now: number): boolean {
    this.sql.exec("DELETE FROM occasions WHERE at <= ?", now - DAY_MS);
    this.sql.exec(
      `INSERT INTO occasions
       SELECT ?, pushed FROM (SELECT coalesce(max(seq), 0) AS pushed FROM pushes)
        WHERE pushed > (SELECT coalesce(max(last_push), -1) FROM occasions)`,
      now,
    );
    const { n } = this.sql.exec<{ n: number }>("SELECT count(*) AS n FROM occasions").one();
    return n >= OCCASIONS_TO_SUSPEND;
  }

  /** After the operator's release the key begins anew. */
  pardon(): void {
    this.sql.exec("DELETE FROM occasions");
    this.sql.exec("DELETE FROM pushes");
  }

  private countFinished(since: number): WindowCounts {
    return this.sql
      .exec<WindowCounts>(
        `SELECT count(*) AS finished,
                count(CASE WHEN outcome = 'completed' THEN 1 END) AS completed,
                count(DISTINCT CASE WHEN outcome IN ('failed', 'cancelled') THEN phone END) AS failures,
                count(DISTINCT CASE WHEN outcome = 'cancelled' THEN phone END) AS cancels,
                count(DISTINCT phone) AS phones
           FROM pushes WHERE finished_at > ?`,
        since,
      )
      .one();
  }
}
