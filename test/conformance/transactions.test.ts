import { beforeAll, expect, it } from "vitest";
import { get, type Key, newKey, newPayingKey, payment } from "./support/gateway.ts";
import { isSimulated, target } from "./support/target.ts";

const simulated = it.runIf(isSimulated);
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);

let own: Key;
// biome-ignore lint/suspicious/noExplicitAny: as a merchant's client reads it
let made: any[];
beforeAll(async () => {
  if (!isSimulated) return;
  own = await newPayingKey();
  made = [
    (await payment(own.key, { amount: 11, account_reference: "ORDER_11" })).body.transaction,
    (await payment(own.key, { amount: 12 }, { action: "cancel" })).body.transaction,
    (await payment(own.key, { amount: 13 })).body.transaction,
  ];
});

const list = async (query: string) => (await get(`/v1/transactions?${query}`, own.key)).body;
const amounts = async (query: string) =>
  (await list(`key_id=${own.id}&${query}`)).transactions.map(({ amount }: { amount: number }) => amount);

simulated("a transaction is found by its checkout_request_id and by its own id", async () => {
  for (const ref of [made[0].checkout_request_id, made[0].id]) {
    expect((await get(`/v1/transactions/${ref}`, own.key)).body).toEqual({
      success: true,
      transaction: made[0],
    });
  }
});

simulated("a transaction has the fields of the contract", async () => {
  expect(made[0]).toEqual({
    id: expect.any(String),
    checkout_request_id: expect.any(String),
    merchant_request_id: expect.any(String),
    phone: expect.stringMatching(/^254[17]\d{8}$/),
    amount: 11,
    account_reference: "ORDER_11",
    description: "SmartPay Payment",
    status: "completed",
    result_code: "0",
    result_desc: expect.any(String),
    mpesa_receipt: expect.any(String),
    destination: { method: "till", till_number: "654321" },
    payout: made[0].payout,
    metadata: null,
    created_at: TIME,
    completed_at: TIME,
  });
});

it("an unknown transaction is NOT_FOUND", async () => {
  for (const ref of ["ws_CO_24112026093000000000000", "tx_00000000000000000000000000000000", "x"]) {
    const { status, body } = await get(`/v1/transactions/${ref}`, target.key);
    expect([status, body.error_code]).toEqual([404, "NOT_FOUND"]);
  }
});

it("the list has 20 records a page from offset 0 if not told otherwise", async () => {
  const { body } = await get("/v1/transactions", target.key);
  expect(body).toMatchObject({
    success: true,
    transactions: expect.any(Array),
    count: body.transactions.length,
    total: expect.any(Number),
    limit: 20,
    offset: 0,
    has_more: expect.any(Boolean),
  });
  expect(body).toHaveProperty("next_cursor");
  expect(body.count).toBeLessThanOrEqual(20);
});

it("a limit outside of 1 to 100 is brought to the nearer end", async () => {
  for (const [limit, taken] of [
    ["0", 1],
    ["-5", 1],
    ["100", 100],
    ["1000", 100],
  ] as const) {
    expect((await get(`/v1/transactions?limit=${limit}`, target.key)).body.limit).toBe(taken);
  }
});

it("an offset below 0, an unknown status or a limit that is no number is INVALID_FIELD", async () => {
  for (const query of ["offset=-1", "status=paid", "limit=ten"]) {
    const { status, body } = await get(`/v1/transactions?${query}`, target.key);
    expect([status, body.error_code]).toEqual([400, "INVALID_FIELD"]);
  }
});

simulated("the list is newest first, and paged by limit and offset", async () => {
  expect(await amounts("")).toEqual([13, 12, 11]);
  expect(await amounts("limit=2")).toEqual([13, 12]);
  expect(await amounts("limit=2&offset=2")).toEqual([11]);
});

simulated("the list is paged by cursor, and not with an offset too", async () => {
  const first = await list(`key_id=${own.id}&limit=2`);
  expect(first.has_more).toBe(true);
  expect(await amounts(`limit=2&cursor=${first.next_cursor}`)).toEqual([11]);
  expect((await list(`cursor=${first.next_cursor}&offset=1`)).error_code).toBe("INVALID_FIELD");
});

simulated("the list is filtered by status", async () => {
  expect(await amounts("status=completed")).toEqual([13, 11]);
  expect(await amounts("status=failed")).toEqual([12]);
  expect(await amounts("status=pending")).toEqual([]);
});

simulated("the list is filtered by phone, reference, receipt and time", async () => {
  expect(await amounts(`phone=${made[1].phone}`)).toEqual([12]);
  expect(await amounts("reference=ORDER_11")).toEqual([11]);
  expect(await amounts(`receipt=${made[2].mpesa_receipt}`)).toEqual([13]);
  expect(await amounts(`from=${encodeURIComponent(made[0].created_at)}`)).toEqual([13, 12, 11]);
  expect(await amounts("to=2020-01-01")).toEqual([]);
});

simulated("the list is of the merchant, and of the key alone with scope payments", async () => {
  const { transactions } = (await get("/v1/transactions?limit=100", target.key)).body;
  expect(transactions.map(({ id }: { id: string }) => id)).toContain(made[2].id);
  const narrow = await newKey("payments");
  expect((await get("/v1/transactions", narrow.key)).body).toMatchObject({ count: 0, total: 0 });
  const other = await get(`/v1/transactions/${made[0].id}`, narrow.key);
  expect(other.body.error_code).toBe("NOT_FOUND");
});
