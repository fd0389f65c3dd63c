import { env } from "cloudflare:test";

/** The real D1, each call of which goes through `run`: its SQL, and what carries it out. */
export function interceptedDatabase(run: <T>(sql: string, call: () => Promise<T>) => Promise<T>): D1Database {
  /** A batch takes the statements themselves, not what we made of them. */
  const originals = new WeakMap<object, { statement: D1PreparedStatement; sql: string }>();
  function wrap(statement: D1PreparedStatement, sql: string): D1PreparedStatement {
    const wrapped = new Proxy(statement, {
      get(_, name) {
        const value = Reflect.get(statement, name);
        if (typeof value !== "function") return value;
        if (name === "bind") return (...values: unknown[]) => wrap(statement.bind(...values), sql);
        return (...args: unknown[]) => run(sql, () => value.apply(statement, args));
      },
    });
    originals.set(wrapped, { statement, sql });
    return wrapped;
  }

  const batch = (statements: D1PreparedStatement[]) => {
    const found = statements.map((s) => originals.get(s) ?? { statement: s, sql: "" });
    return run(found.map(({ sql }) => sql).join(";\n"), () => env.DB.batch(found.map((f) => f.statement)));
  };
  return new Proxy(env.DB, {
    get(_, name) {
      if (name === "prepare") return (sql: string) => wrap(env.DB.prepare(sql), sql);
      if (name === "batch") return batch;
      return Reflect.get(env.DB, name);
    },
  });
}
