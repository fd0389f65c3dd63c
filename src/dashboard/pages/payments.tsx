import { Hono } from "hono";
import { z } from "zod";
import { listQuery } from "../../features/payments/contract.ts";
import { EXPORTED_AT_MOST, exportPayments } from "../../features/payments/export.ts";
import {
  type ListedKey,
  type ListFilter,
  listMerchantPayments,
  type MerchantPage,
  namedPayment,
} from "../../features/payments/merchant-list.ts";
import type { StoredTransaction } from "../../features/payments/store.ts";
import { eastAfricaTime } from "../../lib/clock.ts";
import type { PageContext, PageEnv } from "../context.ts";
import { merchantPage } from "../layout.tsx";
import { asksAgain, markOf, pathWith } from "../live.ts";
import { Empty, kes, localPhone, PageHead, Panel, whole } from "../parts.tsx";
import { PAYMENT_STATUSES, PaymentRows, statusLabel } from "../payments-parts.tsx";

const PATH = "/dashboard/payments";
const PER_PAGE = 25;
const LOOK_EVERY = "3s";

/** What stands in the address is taken as far as it makes sense. */
const { shape } = listQuery;
const filterQuery = z.object({
  status: shape.status.catch(undefined),
  key_id: shape.key_id.catch(undefined),
  from: shape.from.catch(undefined),
  to: shape.to.catch(undefined),
  cursor: shape.cursor.catch(undefined),
  q: z.string().trim().max(100).optional().catch(undefined),
});

const filterOf = (c: PageContext): ListFilter => filterQuery.parse(c.req.query());

/** The parameters of the address that make the filter, as they were typed. */
type Typed = Partial<Record<"status" | "q" | "key_id" | "from" | "to", string>>;

function typedFilter(c: PageContext): Typed {
  const { status, q, key_id, from, to } = c.req.query();
  return { status, q, key_id, from, to };
}

const Tabs = ({ typed }: { typed: Typed }) => (
  <nav class="flex flex-wrap gap-2" aria-label="By status">
    {[undefined, ...PAYMENT_STATUSES].map((status) => {
      const isAt = (typed.status || undefined) === status;
      return (
        <a
          class={`btn btn-sm ${isAt ? "btn-primary" : ""}`}
          aria-current={isAt ? "true" : undefined}
          href={pathWith(PATH, { ...typed, status })}
        >
          {status === undefined ? "All" : statusLabel(status)}
        </a>
      );
    })}
  </nav>
);

const DateField = ({ name, label, value }: { name: string; label: string; value: string | undefined }) => (
  <div class="min-w-0 grow basis-36">
    <label class="mb-1 block text-sm font-medium" for={name}>
      {label}
    </label>
    <input class="input w-full" type="date" id={name} name={name} value={value} />
  </div>
);

const Filters = ({ typed, keys }: { typed: Typed; keys: ListedKey[] }) => {
  const hasMore = Boolean(typed.key_id || typed.from || typed.to);
  return (
    <search class="mt-4 block">
      <form method="get" action={PATH}>
        {typed.status ? <input type="hidden" name="status" value={typed.status} /> : null}
        <div class="flex flex-wrap items-end gap-2">
          <div class="min-w-0 grow basis-40">
            <label class="mb-1 block text-sm font-medium" for="q">
              Search
            </label>
            <input
              class="input w-full"
              type="search"
              id="q"
              name="q"
              value={typed.q}
              maxlength={100}
              placeholder="Receipt, phone or reference"
              aria-describedby="q-hint"
            />
          </div>
          <button class="btn" type="submit">
            Search
          </button>
        </div>
        <p class="soft mt-1 text-sm" id="q-hint">
          A receipt such as UKO4T7X2PQ, a phone, or a whole reference.
        </p>
        <details class="mt-3" open={hasMore}>
          <summary class="cursor-pointer text-sm font-medium">Days and keys</summary>
          <div class="mt-3 flex flex-wrap items-end gap-3">
            <DateField name="from" label="From" value={typed.from} />
            <DateField name="to" label="Up to" value={typed.to} />
            <div class="min-w-0 grow basis-44">
              <label class="mb-1 block text-sm font-medium" for="key_id">
                Key
              </label>
              <select class="select w-full" id="key_id" name="key_id">
                <option value="">All keys</option>
                {keys.map(({ id, name, deletedAt }) => (
                  <option value={String(id)} selected={String(id) === typed.key_id}>
                    {deletedAt === null ? name : `${name} (deleted)`}
                  </option>
                ))}
              </select>
            </div>
            <button class="btn" type="submit">
              Show
            </button>
          </div>
        </details>
      </form>
    </search>
  );
};

/** What came or changed since the list was shown last, for those who hear the page. */
function newsOf(fresh: StoredTransaction[]): string {
  const [first] = fresh;
  if (!first) return "";
  if (fresh.length === 1) {
    return `${statusLabel(first.status)}: ${kes(first.amount)}, ${localPhone(first.phone)}.`;
  }
  const paid = fresh.filter(({ status }) => status === "completed").length;
  return `${fresh.length} payments are new or have changed; ${paid} of them are paid.`;
}

type ListProps = { page: MerchantPage; typed: Typed; live: object; fresh: StoredTransaction[] };

const List = ({ page, typed, live, fresh }: ListProps) => {
  const payments = page.payments.map(({ payment }) => payment);
  const isFiltered = Object.values(typed).some(Boolean);
  return (
    <div id="payments" {...live}>
      <p class="sr-only" role="status" id="payments-news">
        {newsOf(fresh)}
      </p>
      {payments.length > 0 ? (
        <PaymentRows payments={payments} fresh={new Set(fresh.map(({ id }) => id))} />
      ) : (
        <Empty>
          {isFiltered ? (
            "No payment fits."
          ) : (
            <>
              No payments yet.{" "}
              <a class="quiet-link" href={`${PATH}/new`}>
                Request your first one
              </a>
              .
            </>
          )}
        </Empty>
      )}
    </div>
  );
};

const Pager = ({ page, typed, isFirst }: { page: MerchantPage; typed: Typed; isFirst: boolean }) => {
  if (isFirst && page.nextCursor === null) return null;
  return (
    <nav class="mt-4 flex flex-wrap gap-2" aria-label="More payments">
      {isFirst ? null : (
        <a class="btn btn-sm" href={pathWith(PATH, typed)}>
          Back to the newest
        </a>
      )}
      {page.nextCursor === null ? null : (
        <a class="btn btn-sm" href={pathWith(PATH, { ...typed, cursor: page.nextCursor })}>
          {page.isCutShort ? "Search older payments" : "Older payments"}
        </a>
      )}
    </nav>
  );
};

async function listPage(c: PageContext) {
  const { deps, merchantId } = c.var;
  const filter = filterOf(c);
  const typed = typedFilter(c);
  const named = filter.q ? await namedPayment(deps, merchantId, filter.q) : undefined;
  if (named) return c.redirect(`${PATH}/${named}`);

  const now = deps.now();
  const page = await listMerchantPayments(deps, merchantId, filter, PER_PAGE);
  const rows = page.payments.map(({ payment }) => payment);
  const seen = await markOf(rows.map(({ id, status, mpesaReceipt }) => [id, status, mpesaReceipt]));
  const isFragment = c.req.header("HX-Request") !== undefined;
  if (isFragment && c.req.query("seen") === seen) return c.body(null, 204);

  // Older pages stand still, and a search looks through too much to be asked again and again.
  const isLive = filter.cursor === undefined && !filter.q;
  const live = isLive ? asksAgain(pathWith(PATH, { ...typed, seen, since: now }), LOOK_EVERY) : {};
  const since = isFragment ? Number(c.req.query("since")) : Number.POSITIVE_INFINITY;
  const fresh = rows.filter((p) => Math.max(p.createdAt, p.completedAt ?? 0) >= since);
  const list = <List page={page} typed={typed} live={live} fresh={fresh} />;
  if (isFragment) return c.html(list);

  return merchantPage(
    c,
    "Payments",
    <>
      <PageHead
        title="Payments"
        lead={page.total === null ? undefined : `${whole(page.total)} in all, newest first.`}
      >
        <a class="btn" href={pathWith(`${PATH}/export.csv`, typed)} download>
          Export as CSV
        </a>
        <a class="btn btn-primary" href={`${PATH}/new`}>
          Request a payment
        </a>
      </PageHead>
      <div class="grid grid-cols-[minmax(0,1fr)] gap-4">
        <Panel>
          <Tabs typed={typed} />
          <Filters typed={typed} keys={page.keys} />
        </Panel>
        <Panel>
          {isLive ? (
            <p class="live-note soft mb-2 text-sm">
              <span class="live-dot" aria-hidden="true" />
              New payments and results show by themselves.
            </p>
          ) : null}
          {list}
          <Pager page={page} typed={typed} isFirst={filter.cursor === undefined} />
        </Panel>
        <p class="soft text-sm">
          {`The CSV holds what the filter shows, newest first, at most ${whole(EXPORTED_AT_MOST)} payments; for more, export a span of days at a time. Times are in East Africa Time.`}
        </p>
      </div>
    </>,
  );
}

async function exportFile(c: PageContext) {
  const { deps, merchantId } = c.var;
  const pieces = exportPayments(deps, merchantId, { ...filterOf(c), cursor: undefined });
  // The first piece is read before the answer begins, so that what goes wrong there is told as such.
  const first = await pieces.next();
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      if (!first.done) controller.enqueue(encoder.encode(first.value));
    },
    pull: async (controller) => {
      const next = await pieces.next();
      if (next.done) controller.close();
      else controller.enqueue(encoder.encode(next.value));
    },
  });
  const stamp = eastAfricaTime(deps.now()).replace(" ", "-").replaceAll(":", "");
  return c.body(body, 200, {
    "Content-Type": "text/csv; charset=utf-8",
    "Content-Disposition": `attachment; filename="payments-${stamp}.csv"`,
  });
}

export const paymentListPages = new Hono<PageEnv>()
  .get("/payments", listPage)
  .get("/payments/export.csv", exportFile);
