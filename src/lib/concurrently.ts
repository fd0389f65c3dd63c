/** Works through the items, `atOnce` of them at a time, for as long as `mayBegin`; `work` must not throw. */
export async function concurrently<T>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
  mayBegin: () => boolean = () => true,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  const worker = async () => {
    while (mayBegin()) {
      const next = rest.next();
      if (next.done) return;
      await work(next.value);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
