import { getTableColumns, type SQL, sql } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";

export type Db = DrizzleD1Database;

/** `onCall` is told of each call of D1, of which a batch is one. */
export function connect(d1: D1Database, onCall: () => void): Db {
  const db = drizzle(d1, { logger: { logQuery: onCall } });
  const batch = db.batch.bind(db);
  db.batch = (statements) => {
    onCall(); // the logger does not hear of these
    return batch(statements);
  };
  return db;
}

/**
 * The columns of an INSERT … SELECT, in the table's own order, as drizzle demands them:
 * each is taken from `values`, and null where that is silent.
 */
export function rowOf<T extends SQLiteTable>(
  table: T,
  values: Partial<Record<keyof T["_"]["columns"], SQLiteColumn | SQL | string | number | boolean | null>>,
) {
  const columns = Object.entries(getTableColumns(table));
  return Object.fromEntries(
    columns.map(([name, column]) => {
      const value = values[name] ?? null;
      return [name, sql`${value}`.as(column.name)];
    }),
  ) as Record<keyof T["_"]["columns"], SQL.Aliased>; // one entry for each column, just built
}

/** D1's words for a call that may or may not have been carried out. */
const LOST = /Network connection lost|storage caused object to be reset|reset because its code was updated/;
const TRANSIENT = /transient issue/;

/**
 * Runs a write that is safe to repeat (it carries its own id and guard) until its outcome is known,
 * at most three times.
 */
export async function untilKnown<T>(write: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write();
    } catch (error) {
      const cause = error instanceof Error ? `${error.message} ${String(error.cause ?? "")}` : String(error);
      if (attempt >= 3 || !(LOST.test(cause) || TRANSIENT.test(cause))) throw error;
    }
  }
}

export type Statement = BatchItem<"sqlite">;

/** Runs the statements and then `last` in one transaction, until the outcome is known; answers what `last` returned. */
export async function commit<T extends Statement>(
  db: Db,
  statements: Statement[],
  last: T,
): Promise<T["_"]["result"]> {
  // A tuple of unknown length: drizzle types only literal ones, and `last` is always there.
  const batch = [...statements, last] as unknown as [Statement, ...Statement[]];
  const results = await untilKnown(() => db.batch(batch));
  return results.at(-1) as T["_"]["result"]; // in the order of the statements
}

/** Whether a batch failed because of what is stored, not because of the storage. */
export const isBrokenConstraint = (error: unknown) =>
  /constraint failed/i.test(`${String(error)} ${error instanceof Error ? String(error.cause) : ""}`);
