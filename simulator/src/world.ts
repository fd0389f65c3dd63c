import type { Config } from "./config.ts";

/** What every part of the simulator works on: the stored world, its clock, and its ways to the outside. */
export type World = {
  readonly sql: SqlStorage;
  readonly config: Config;
  now(): number;
  /** Wakes the world at this time, in place of any earlier appointment. */
  wakeAt(time: number): void;
  /** Lets work go on after the answer has been given. */
  background(work: Promise<unknown>): void;
  /** Tells the open pages of this phone that something on it changed. */
  phoneChanged(msisdn: string): void;
  /** Connects a page that shows this phone, or only this one prompt on it. */
  openPhonePage(msisdn: string, onlyPrompt?: string): Response;
  /** Forgets everything. */
  reset(): void;
};

/** The first row of a query, where there is one. */
export function first<Row extends Record<string, SqlStorageValue>>(
  world: World,
  query: string,
  ...bindings: SqlStorageValue[]
): Row | undefined {
  return rows<Row>(world, query, ...bindings)[0];
}

/** All rows of a query. */
export function rows<Row extends Record<string, SqlStorageValue>>(
  world: World,
  query: string,
  ...bindings: SqlStorageValue[]
): Row[] {
  return world.sql.exec<Row>(query, ...bindings).toArray();
}
