import { env } from "cloudflare:test";
import { type RequestOptions, request, rows } from "./gateway.ts";

/** How SQLite finds the rows of every read of a request: the steps of its plans, one a line. */
export async function plansOf(path: string, options: RequestOptions): Promise<string[]> {
  const explained: Promise<{ detail: string }[]>[] = [];
  const prepare = (sql: string) => {
    const statement = env.DB.prepare(sql);
    if (!/^select/.test(sql)) return statement;
    return new Proxy(statement, {
      get(target, name) {
        if (name !== "bind") return Reflect.get(target, name).bind(target);
        return (...values: unknown[]) => {
          explained.push(rows(`EXPLAIN QUERY PLAN ${sql}`, ...values));
          return target.bind(...values);
        };
      },
    });
  };
  const DB = new Proxy(env.DB, {
    get: (target, name) => (name === "prepare" ? prepare : Reflect.get(target, name).bind(target)),
  });
  await request(path, { ...options, env: { DB } });
  return (await Promise.all(explained)).flat().map(({ detail }) => detail);
}

/** A step that grows with the table. */
export const SCAN_OR_SORT = /^SCAN (?!CONSTANT)|TEMP B-TREE/;
