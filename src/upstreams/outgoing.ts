/** Makes a call over HTTP when one of the invocation's connections is free. */
export type Outgoing = <T>(call: () => Promise<T>) => Promise<T>;

/**
 * Of the six connections that Cloudflare lets an invocation have; the sixth is left to queues. A seventh call would
 * wait inside fetch, where its timeout runs, and could end as unanswered without ever having left.
 */
const AT_ONCE = 5;

/** One for each invocation. A call must begin its timeout when it is called, and must make no other inside. */
export function createOutgoing(): Outgoing {
  let free = AT_ONCE;
  const waiting: (() => void)[] = [];
  return async (call) => {
    if (free > 0) free--;
    else await new Promise<void>((goOn) => waiting.push(goOn));
    try {
      return await call();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}
