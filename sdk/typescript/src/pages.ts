type Page = { has_more: boolean; next_cursor: string | null };

/** Everything of a list, read page by page as it is asked for. A page may be short, even empty, before the last. */
export async function* itemsOf<P extends Page, T>(
  read: (cursor: string | undefined) => Promise<P>,
  items: (page: P) => T[],
): AsyncGenerator<T, void, undefined> {
  let cursor: string | undefined;
  do {
    const page = await read(cursor);
    yield* items(page);
    cursor = page.has_more ? (page.next_cursor ?? undefined) : undefined;
  } while (cursor !== undefined);
}
