import { env } from "cloudflare:test";
import { interceptedDatabase } from "./database.ts";

/**
 * Which call of the storage fails: the `at`th, before it is carried out or after (its answer is lost), or
 * that one and all behind it, as when the process dies there.
 */
export type Fault = { at: number; kind: "before" | "after" | "from there on" };

/** The real D1 and Durable Objects, and queues that lose what they are sent, of which one call fails. */
export function faultyBindings(fault?: Fault) {
  const calls: string[] = [];

  async function run<T>(what: string, message: string, call: () => Promise<T>): Promise<T> {
    calls.push(what);
    const fails = fault?.kind === "from there on" ? calls.length >= fault.at : calls.length === fault?.at;
    if (!fails) return call();
    if (fault?.kind === "after") await call();
    throw new Error(message);
  }

  const objects = <T extends Rpc.DurableObjectBranded>(name: string, namespace: DurableObjectNamespace<T>) =>
    new Proxy(namespace, {
      get(_, member) {
        if (member !== "getByName") return Reflect.get(namespace, member);
        return (id: string) => {
          const stub = namespace.getByName(id);
          return new Proxy(stub, {
            get:
              (_stub, method) =>
              async (...args: unknown[]) => {
                const call = Reflect.get(stub, method) as unknown as (...args: unknown[]) => Promise<unknown>; // RPC
                return run(`${name} ${String(method)}`, "Durable Object reset.", () => call(...args));
              },
          });
        };
      },
    });

  const queue = (name: string) => {
    const send = () => run(name, "Queue send failed: Internal Server Error", async () => undefined);
    return { send, sendBatch: send } as unknown as Queue; // nothing else of it is used
  };

  return {
    /** What was called, in order. */
    calls,
    env: {
      DB: interceptedDatabase((sql, call) =>
        run(sql.slice(0, 60), "D1_ERROR: Network connection lost.", call),
      ),
      KEY_GATE: objects("key gate", env.KEY_GATE),
      PHONE_LIMIT: objects("phone limit", env.PHONE_LIMIT),
      DARAJA_TOKEN: objects("token", env.DARAJA_TOKEN),
      WEBHOOK_QUEUE: queue("webhook queue"),
      PAYOUT_QUEUE: queue("payout queue"),
      SMS_QUEUE: queue("SMS queue"),
      NOTICE_QUEUE: queue("notice queue"),
    },
  };
}
