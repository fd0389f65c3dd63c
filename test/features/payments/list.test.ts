import { env } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { SEARCHED_AT_MOST } from "../../../src/features/payments/list-store.ts";
import { depth, slowBindings, type Trip } from "../../support/bindings.ts";
import {
  callBack,
  failed,
  type Merchant,
  newMerchant,
  newReceipt,
  paid,
  push,
  readTransaction,
  request,
  rows,
  setKey,
} from "../../support/gateway.ts";
import { freshNetwork, type Network } from "../../support/network.ts";
import { plansOf, SCAN_OR_SORT } from "../../support/plans.ts";

let network: Network;
beforeEach(() => {
  network = freshNetwork();
});

const times = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));

type Query = Record<string, string | number | undefined>;

const pathOf = (query: Query) => {
  const pairs = Object.entries(query).map(([name, value]) => [name, String(value)]);
  return `/v1/transactions?${new URLSearchParams(pairs)}`;
};
const get = (key: string, query: Query = {}) => request(pathOf(query), { key });
const list = async (key: string, query: Query = {}) => (await get(key, query)).body;
const idsOf = (body: { transactions: { id: string }[] }) => body.transactions.map(({ id }) => id);

/** A payment by a push, and how it ended. */
async function payment(
  { key }: Merchant,
  end: "pending" | "completed" | "failed" = "pending",
  body: object = {},
): Promise<string> {
  const pushed = await push(key, body);
  const url = network.pushes.at(-1)?.CallBackURL ?? "";
  if (end === "completed") await callBack(url, paid(pushed.body));
  if (end === "failed") await callBack(url, failed(pushed.body, 1032, "Cancelled"));
  return pushed.body.transaction_id;
}

const EPOCH = Date.parse("2025-06-03T06:00:00Z");
const idAt = (ms: number, serial = 0) =>
  `tx_${ms.toString(16).padStart(12, "0")}${serial.toString(16).padStart(20, "0")}`;

/** Many payments at once, a second apart from `EPOCH` on, without the API. */
async function store({ merchantId, keyId }: Merchant, count: number, status = "completed"): Promise<void> {
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
     INSERT INTO transactions (merchant_id, id, key_id, phone, amount, account_reference, description,
       destination, callback_url, routing, status, created_at)
     SELECT ?, 'tx_' || printf('%012x', ? + i * 1000) || printf('%020x', i), ?, '254700000001', 1, 'BULK', 'x',
       '{"method":"wallet"}', '', 'direct', ?, ? + i * 1000 FROM n`,
  )
    .bind(count, merchantId, EPOCH, keyId, status, EPOCH)
    .run();
}

async function secondKey(merchant: Merchant, scope: "full" | "payments" = "full"): Promise<Merchant> {
  const body = { name: crypto.randomUUID(), scope };
  const { account } = (await request("/v1/keys", { key: merchant.key, body })).body;
  const made = { ...merchant, keyId: account.id, key: account.api_key };
  await setKey(made, "calls_left = 100, expires_at = 9e15");
  return made;
}

describe("the list of payments", () => {
  it("is empty at first", async () => {
    const { key } = await newMerchant();
    expect(await list(key)).toEqual({
      success: true,
      transactions: [],
      count: 0,
      total: 0,
      limit: 20,
      offset: 0,
      has_more: false,
      next_cursor: null,
    });
  });

  it("shows each payment as reading it does, newest first", async () => {
    const merchant = await newMerchant();
    const made = [
      await payment(merchant, "completed"),
      await payment(merchant, "failed"),
      await payment(merchant),
    ];
    const body = await list(merchant.key);
    expect(idsOf(body)).toEqual([...made].reverse());
    for (const shown of body.transactions) {
      expect(shown).toEqual(await readTransaction(merchant.key, shown.id));
    }
    expect(body).toMatchObject({ count: 3, total: 3, has_more: false });
  });

  it("shows what became of a payout", async () => {
    const merchant = await newMerchant();
    await setKey(merchant, `destination = '{"method":"phone","phone":"254712345678"}'`);
    const id = await payment(merchant, "completed");
    const [shown] = (await list(merchant.key)).transactions;
    expect(shown.payout).toMatchObject({ amount: 150 });
    expect(shown).toEqual(await readTransaction(merchant.key, id));
  });

  it("answers at the path with a slash too, and ignores parameters that it does not know", async () => {
    const { key } = await newMerchant();
    expect((await request("/v1/transactions/?sort=amount", { key })).body.total).toBe(0);
  });

  it("is of the merchant: all of its keys, deleted ones too, and nobody else's", async () => {
    const [merchant, other] = [await newMerchant(), await newMerchant()];
    const second = await secondKey(merchant);
    const made = [await payment(merchant), await payment(second)];
    await payment(other);
    await request(`/v1/keys/${second.keyId}`, { key: merchant.key, method: "DELETE" });
    const body = await list(merchant.key);
    expect(idsOf(body)).toEqual([...made].reverse());
    expect(body.total).toBe(2);
  });

  it("is of the key alone with scope payments", async () => {
    const merchant = await newMerchant();
    const narrow = await secondKey(merchant, "payments");
    await payment(merchant, "completed");
    const own = [await payment(narrow, "completed"), await payment(narrow)];
    const body = await list(narrow.key);
    expect(idsOf(body)).toEqual([...own].reverse());
    expect(body.total).toBe(2);
    expect(await list(narrow.key, { status: "completed" })).toMatchObject({ count: 1, total: 1 });
    expect(idsOf(await list(narrow.key, { limit: 1, offset: 1 }))).toEqual([own[0]]);
    expect(await list(merchant.key)).toMatchObject({ count: 3, total: 3 });
  });

  it("leaves out what the merchant bought from the operator", async () => {
    const merchant = await newMerchant();
    const kept = await payment(merchant);
    const bought = await payment(merchant);
    await rows("UPDATE transactions SET purchase = '{}' WHERE id = ?", bought);
    for (const query of [{}, { status: "pending" }, { key_id: merchant.keyId }, { reference: "SMARTPAY" }]) {
      expect(idsOf(await list(merchant.key, query))).toEqual([kept]);
    }
  });

  it("needs a key, and shows no list to a deleted one", async () => {
    const merchant = await newMerchant();
    const second = await secondKey(merchant);
    await request(`/v1/keys/${second.keyId}`, { key: merchant.key, method: "DELETE" });
    expect((await request("/v1/transactions")).body.error_code).toBe("MISSING_AUTH");
    expect((await get(second.key)).body.error_code).toBe("INVALID_API_KEY");
    expect((await get(second.key, { limit: "x" })).body.error_code).toBe("INVALID_API_KEY");
  });
});

describe("pages", () => {
  it.each([
    [undefined, 20],
    ["1", 1],
    ["100", 100],
    ["101", 100],
    ["0", 1],
    ["-7", 1],
    ["99999999999999999999999", 100],
  ])("with the limit %j hold %i", async (limit, held) => {
    const merchant = await newMerchant();
    await store(merchant, 120);
    const body = await list(merchant.key, limit === undefined ? {} : { limit });
    expect(body).toMatchObject({ count: held, limit: held, has_more: true });
    expect(body.transactions).toHaveLength(held);
  });

  it("by offset hold every payment once", async () => {
    const merchant = await newMerchant();
    await store(merchant, 25);
    const pages = await Promise.all(
      [0, 10, 20, 30].map((offset) => list(merchant.key, { limit: 10, offset })),
    );
    expect(pages.map(({ count }) => count)).toEqual([10, 10, 5, 0]);
    expect(pages.map(({ offset }) => offset)).toEqual([0, 10, 20, 30]);
    expect(pages.map(({ has_more }) => has_more)).toEqual([true, true, false, false]);
    expect(new Set(pages.flatMap(idsOf)).size).toBe(25);
  });

  it("by cursor hold every payment once, also of those that came between", async () => {
    const merchant = await newMerchant();
    await store(merchant, 25);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await list(merchant.key, { limit: 10, ...(cursor ? { cursor } : {}) });
      seen.push(...idsOf(page));
      cursor = page.next_cursor;
      expect(page.has_more).toBe(cursor !== null);
      await payment(merchant); // newer than all of them: moves no page
    } while (cursor !== null);
    expect(seen).toEqual(times(25, (i) => idAt(EPOCH + i * 1_000, i)).reverse());
  });

  it("by cursor keep their filter", async () => {
    const merchant = await newMerchant();
    const made: string[] = [];
    for (const end of ["failed", "completed", "failed", "completed", "failed"] as const) {
      const id = await payment(merchant, end);
      if (end === "failed") made.unshift(id);
    }
    const first = await list(merchant.key, { status: "failed", limit: 2 });
    const second = await list(merchant.key, { status: "failed", limit: 2, cursor: first.next_cursor });
    expect([...idsOf(first), ...idsOf(second)]).toEqual(made);
    expect([first.has_more, second.has_more]).toEqual([true, false]);
  });

  it("begin nowhere else for another merchant's cursor", async () => {
    const [merchant, other] = [await newMerchant(), await newMerchant()];
    const theirs = await payment(other);
    await payment(merchant);
    expect((await get(merchant.key, { cursor: theirs })).status).toBe(200);
    expect(idsOf(await list(merchant.key, { cursor: theirs }))).not.toContain(theirs);
  });
});

describe("filters", () => {
  it.each(["pending", "completed", "failed"] as const)(
    "status %s, with its figure as the total",
    async (status) => {
      const merchant = await newMerchant();
      const made = {
        pending: await payment(merchant, "pending"),
        completed: await payment(merchant, "completed"),
        failed: await payment(merchant, "failed"),
      };
      const body = await list(merchant.key, { status });
      expect(idsOf(body)).toEqual([made[status]]);
      expect(body).toMatchObject({ count: 1, total: 1 });
    },
  );

  it("status follows a payment that failed first and completed later", async () => {
    const merchant = await newMerchant();
    const pushed = await push(merchant.key);
    const url = network.pushes.at(-1)?.CallBackURL ?? "";
    await callBack(url, failed(pushed.body, 1037, "Timeout"));
    await callBack(url, paid(pushed.body));
    expect(await list(merchant.key, { status: "failed" })).toMatchObject({ count: 0, total: 0 });
    expect(await list(merchant.key, { status: "completed" })).toMatchObject({ count: 1, total: 1 });
  });

  it("a refused push counts as failed", async () => {
    const merchant = await newMerchant();
    network.push = () => Response.json({ errorCode: "400.002.02", errorMessage: "Bad" }, { status: 400 });
    await push(merchant.key);
    expect(await list(merchant.key, { status: "failed" })).toMatchObject({ count: 1, total: 1 });
  });

  it("key_id", async () => {
    const merchant = await newMerchant();
    const second = await secondKey(merchant);
    await payment(merchant);
    const id = await payment(second);
    const body = await list(merchant.key, { key_id: second.keyId });
    expect(idsOf(body)).toEqual([id]);
    expect(body.total).toBeNull();
    await request(`/v1/keys/${second.keyId}`, { key: merchant.key, method: "DELETE" });
    expect(idsOf(await list(merchant.key, { key_id: second.keyId }))).toEqual([id]);
  });

  it("key_id of another merchant is not found; any but its own is forbidden to a key of scope payments", async () => {
    const [merchant, other] = [await newMerchant(), await newMerchant()];
    await payment(other);
    const narrow = await secondKey(merchant, "payments");
    const code = async (key: string, key_id: number) => (await get(key, { key_id })).body.error_code;
    expect(await code(merchant.key, other.keyId)).toBe("NOT_FOUND");
    expect(await code(merchant.key, 999_999_999)).toBe("NOT_FOUND");
    expect(await code(narrow.key, merchant.keyId)).toBe("FORBIDDEN_SCOPE");
    expect(await code(narrow.key, other.keyId)).toBe("FORBIDDEN_SCOPE");
    expect(await code(narrow.key, narrow.keyId)).toBeUndefined();
  });

  it("phone in any of its forms, reference and receipt, alone and together", async () => {
    const merchant = await newMerchant();
    const phone = "254722000111";
    await payment(merchant);
    const pushed = await push(merchant.key, { phone, account_reference: "ORDER 101/a" });
    const receipt = newReceipt();
    await callBack(network.pushes.at(-1)?.CallBackURL ?? "", paid(pushed.body, { receipt }));
    const id = pushed.body.transaction_id;
    for (const query of [
      { phone: "0722000111" },
      { phone: "+254722000111" },
      { reference: "ORDER 101/a" },
      { receipt },
      { receipt: receipt.toLowerCase() },
      { phone, reference: "ORDER 101/a", receipt, status: "completed", key_id: merchant.keyId },
    ]) {
      const body = await list(merchant.key, query);
      expect(idsOf(body)).toEqual([id]);
      expect(body.total).toBeNull();
    }
    for (const query of [
      { reference: "ORDER 101" },
      { reference: "order 101/A" },
      { phone, status: "failed" },
    ]) {
      expect(await list(merchant.key, query)).toMatchObject({ count: 0, has_more: false });
    }
  });

  it("another merchant's phone, reference and receipt find nothing", async () => {
    const [merchant, other] = [await newMerchant(), await newMerchant()];
    const id = await payment(other, "completed", { phone: "0722000112", account_reference: "THEIRS" });
    const { mpesa_receipt: receipt } = await readTransaction(other.key, id);
    for (const query of [{ phone: "0722000112" }, { reference: "THEIRS" }, { receipt }]) {
      expect(await list(merchant.key, query)).toMatchObject({ count: 0 });
      expect(await list(other.key, query)).toMatchObject({ count: 1 });
    }
  });

  it("from and to are days, minutes or seconds of East Africa, both ends included", async () => {
    const merchant = await newMerchant();
    await setKey(merchant, "expires_at = 9e15");
    vi.useFakeTimers({ toFake: ["Date"] });
    const at = async (time: string) => {
      vi.setSystemTime(Date.parse(`${time}+03:00`));
      return payment(merchant);
    };
    const eve = await at("2027-06-02T23:59:59.999");
    const midnight = await at("2027-06-03T00:00:00.000");
    const noon = await at("2027-06-03T12:30:45.500");
    const last = await at("2027-06-03T23:59:59.999");
    const next = await at("2027-06-04T00:00:00.000");
    const all = [next, last, noon, midnight, eve];
    for (const [query, found] of [
      [{ from: "2027-06-03", to: "2027-06-03" }, [last, noon, midnight]],
      [{ from: "2027-06-03" }, [next, last, noon, midnight]],
      [{ to: "2027-06-02" }, [eve]],
      [{ from: "2027-06-03 12:30:45", to: "2027-06-03 12:30:45" }, [noon]],
      [{ from: "2027-06-03T12:30", to: "2027-06-03T12:30" }, [noon]],
      [{ from: "2027-06-03 12:30:46" }, [next, last]],
      [{ to: "2027-06-03 12:30:44" }, [midnight, eve]],
      [{ from: "2027-06-04", to: "2027-06-03" }, []],
      [{ from: "1900-01-01", to: "9999-12-31" }, all],
    ] as const) {
      expect(idsOf(await list(merchant.key, query))).toEqual(found);
    }
    expect((await list(merchant.key, { from: "2027-06-03" })).total).toBeNull();
  });

  it.each([
    ["limit", ["ten", "1.5", "", "1e2", "0x10", "NaN", " "]],
    ["offset", ["-1", "ten", "1.5", "", "99999999999999999999"]],
    ["status", ["done", "", "PENDING", "pending,failed"]],
    ["cursor", ["", "abc", "tx_1", "' OR 1=1", "\u0000"]],
    ["key_id", ["", "0", "-1", "abc", "1.5", "99999999999999"]],
    ["reference", ["", " ", "x".repeat(65), "a\u0000b", "a\nb"]],
    ["receipt", ["", "a b", "x".repeat(21), "'"]],
    [
      "from",
      ["", "yesterday", "2027-02-30", "2027-13-01", "2027-06-03 25:00:00", "2027-06-03Z", "1717398000"],
    ],
    ["to", ["2027-6-3", "2027-06-03 12", "\u0000"]],
  ])("a %s that is none is refused", async (name, values) => {
    const { key } = await newMerchant();
    for (const value of values) {
      const { status, body } = await get(key, { [name]: value });
      expect([value, status, body.error_code]).toEqual([value, 400, "INVALID_FIELD"]);
      expect(body.errors[0].field).toBe(name);
    }
  });

  it("a phone that is none is an INVALID_PHONE, and a parameter sent twice is refused", async () => {
    const { key } = await newMerchant();
    for (const phone of ["", "12", "25472200011x"]) {
      expect((await get(key, { phone })).body.error_code).toBe("INVALID_PHONE");
    }
    const twice = await request("/v1/transactions?limit=1&limit=2", { key });
    expect([twice.status, twice.body.error_code]).toEqual([400, "INVALID_FIELD"]);
  });

  it("text that is not UTF-8 is read without a fault", async () => {
    const { key } = await newMerchant();
    for (const text of ["%ED%A0%80", "%", "%E0%A4%A"]) {
      const answer = await request(`/v1/transactions?reference=${text}&phone=${text}`, { key });
      expect(answer.body.error_code).toBe("INVALID_PHONE");
      expect((await request(`/v1/transactions?reference=${text}`, { key })).status).toBeLessThan(500);
    }
  });

  it("a cursor together with an offset is refused", async () => {
    const { key } = await newMerchant();
    const { status, body } = await get(key, { cursor: idAt(EPOCH), offset: 0 });
    expect([status, body.error_code]).toEqual([400, "INVALID_FIELD"]);
  });
});

describe("a search for a phone or a reference", () => {
  it("looks through so many payments a page, and tells where to go on", async () => {
    const merchant = await newMerchant();
    await store(merchant, SEARCHED_AT_MOST + 10);
    await rows(
      "UPDATE transactions SET account_reference = 'OLD' WHERE merchant_id = ? AND id = ?",
      merchant.merchantId,
      idAt(EPOCH + 3_000, 3),
    );
    const first = await list(merchant.key, { reference: "OLD" });
    expect(first).toMatchObject({ count: 0, has_more: true, next_cursor: idAt(EPOCH + 10_000, 10) });
    const second = await list(merchant.key, { reference: "OLD", cursor: first.next_cursor });
    expect(idsOf(second)).toEqual([idAt(EPOCH + 3_000, 3)]);
    expect(second).toMatchObject({ has_more: false, next_cursor: null });
    const day = await list(merchant.key, { reference: "OLD", to: "2025-06-03 09:00:05" });
    expect(day).toMatchObject({ count: 1, has_more: false });
  });
});

describe("what the list costs", () => {
  it("is one storage trip", async () => {
    const merchant = await newMerchant();
    await payment(merchant);
    for (const query of ["", "?status=pending&offset=3", `?key_id=${merchant.keyId}`, "?reference=A"]) {
      const trips: Trip[] = [];
      const bindings = slowBindings({ delayMs: () => 5, trips });
      await request(`/v1/transactions${query}`, { key: merchant.key, env: bindings });
      expect(depth(trips)).toBe(1);
    }
  });

  const cursor = idAt(EPOCH + 5_000);
  it.each<[Record<string, string | number>, string]>([
    [{}, "PRIMARY KEY (merchant_id=?)"],
    [{ offset: 5_000 }, "PRIMARY KEY (merchant_id=?)"],
    [{ cursor }, "PRIMARY KEY (merchant_id=? AND id<?)"],
    [{ from: "2025-06-03", to: "2025-06-04" }, "PRIMARY KEY (merchant_id=? AND id>? AND id<?)"],
    [{ status: "completed", cursor }, "PRIMARY KEY (merchant_id=? AND id<?)"],
    [
      { status: "pending" },
      "COVERING INDEX transactions_not_completed (merchant_id=? AND status=? AND purchase=?)",
    ],
    [
      { status: "pending", cursor },
      "COVERING INDEX transactions_not_completed (merchant_id=? AND status=? AND purchase=? AND id<?)",
    ],
    [
      { status: "failed", offset: 100 },
      "COVERING INDEX transactions_not_completed (merchant_id=? AND status=? AND purchase=?)",
    ],
    [{ key_id: 0 }, "COVERING INDEX transactions_key (key_id=? AND purchase=?)"],
    [{ key_id: 0, cursor }, "COVERING INDEX transactions_key (key_id=? AND purchase=? AND id<?)"],
    [{ receipt: "TFH774CBH1" }, "INDEX transactions_receipt (mpesa_receipt=?"],
    [
      { key_id: 0, status: "failed", offset: 5 },
      "COVERING INDEX transactions_not_completed (merchant_id=? AND status=? AND purchase=?)",
    ],
    [{ key_id: 0, status: "completed" }, "INDEX transactions_key (key_id=? AND purchase=?)"],
    [{ key_id: 0, reference: "A" }, "INDEX transactions_key (key_id=? AND purchase=? AND id>?)"],
    [{ phone: "0722000111" }, "PRIMARY KEY (merchant_id=? AND id>?)"],
    [
      { reference: "A", status: "failed" },
      "INDEX transactions_not_completed (merchant_id=? AND status=? AND purchase=? AND id>?)",
    ],
  ])("for %j is found by %s, without a scan or a sort", async (query, index) => {
    const merchant = await newMerchant();
    await store(merchant, 50);
    const named = query.key_id === undefined ? query : { ...query, key_id: merchant.keyId };
    const narrow = await secondKey(merchant, "payments");
    const plans = await plansOf(pathOf(named), merchant);
    expect(plans.filter((step) => step.includes(index))).not.toEqual([]);
    const own = query.key_id === undefined ? query : { ...query, key_id: narrow.keyId };
    for (const step of [...plans, ...(await plansOf(pathOf(own), narrow))]) {
      expect(step).not.toMatch(SCAN_OR_SORT);
    }
  });

  it("is paid for by two rows when a payment is stored, and by none when it completes", async () => {
    const { merchantId } = await newMerchant();
    const write = async (sql: string, ...values: unknown[]) =>
      (
        await env.DB.prepare(sql)
          .bind(...values)
          .run()
      ).meta.rows_written;
    const insert = `INSERT INTO transactions (merchant_id, id, key_id, phone, amount, account_reference,
      description, destination, callback_url, routing, purchase, due_at, created_at)
      VALUES (?, ?, 1, '254700000001', 1, 'A', 'x', '{}', '', 'direct', ?, 1, 1)`;
    const id = idAt(EPOCH);
    // The row, its due time, two lists, and the index of what has no receipt.
    expect(await write(insert, merchantId, id, null)).toBe(5);
    const complete = "UPDATE transactions SET status = 'completed', due_at = NULL WHERE merchant_id = ?";
    expect(await write(complete, merchantId)).toBe(1);
  });

  it("reads no more rows of a merchant with many payments than of one with few, but for those skipped", async () => {
    const readBy = async ({ key }: Merchant, query: string) => {
      let read = 0;
      const DB = new Proxy(env.DB, {
        get(target, name) {
          if (name !== "batch") return Reflect.get(target, name).bind(target);
          return async (statements: D1PreparedStatement[]) => {
            const results = await target.batch(statements);
            read += results.reduce((sum, { meta }) => sum + (meta.rows_read ?? 0), 0);
            return results;
          };
        },
      });
      await request(`/v1/transactions?${query}`, { key, env: { DB } });
      return read;
    };
    // Between two others: the end of a range in an index is known by the row behind it, where there is one.
    const merchants = await Promise.all([1, 2, 3, 4].map(() => newMerchant()));
    const [first, many, few, last] = merchants.sort((a, b) => a.merchantId - b.merchantId);
    if (!first || !many || !few || !last) throw new Error("there are four");
    await Promise.all([store(first, 60), store(many, 3_000), store(few, 60), store(last, 60)]);
    for (const query of ["", "status=pending", "status=failed", `cursor=${idAt(EPOCH + 60_000)}`]) {
      expect([query, await readBy(many, query)]).toEqual([query, await readBy(few, query)]);
    }
  });
});
