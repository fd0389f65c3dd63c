import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Merchant, newMerchant, newPhone, request, rows, tick } from "../../support/gateway.ts";
import { broken, freshNetwork, type Network } from "../../support/network.ts";
import {
  answerTo,
  b2cPaid,
  collect,
  keptCallbacks,
  lastPaymentRequest,
  ledgerOf,
  PAYING,
  payoutFailed,
  payoutRow,
  wallet,
} from "../../support/payouts.ts";

const times = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));

let network: Network;
beforeEach(async () => {
  network = freshNetwork();
  await rows("UPDATE payouts SET due_at = NULL");
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});

type Owner = Merchant & { phone: string };

/** A merchant with a verified phone, and money in the wallet. */
async function merchantWith(balance: number): Promise<Owner> {
  const merchant = await newMerchant();
  const phone = newPhone();
  await rows("INSERT INTO verified_phones VALUES (?, ?, 0)", phone, merchant.merchantId);
  for (let left = balance; left > 0; left -= 300_000)
    await collect(network, merchant, Math.min(left, 300_000));
  return { ...merchant, phone };
}

const withdraw = (
  owner: Owner,
  body: object = {},
  key: string | null = crypto.randomUUID(),
  env: object = {},
) =>
  request("/v1/account/withdrawals", {
    key: owner.key,
    body: { amount: 100, phone: owner.phone, ...body },
    headers: key === null ? {} : { "Idempotency-Key": key },
    env: { ...PAYING, ...env },
  });

const readWithdrawal = async (owner: Pick<Owner, "key">, id: string) =>
  (await request(`/v1/account/withdrawals/${id}`, { key: owner.key })).body;
const payoutsOf = ({ merchantId }: Merchant) =>
  rows("SELECT id FROM payouts WHERE merchant_id = ?", merchantId);
const code = (answer: Awaited<ReturnType<typeof request>>) => [answer.status, answer.body.error_code];

describe("a withdrawal", () => {
  it("holds the money at once, is paid by B2C to the phone, and shows what became of it", async () => {
    const owner = await merchantWith(150);
    const answer = await withdraw(owner);
    const { id } = answer.body.withdrawal;
    expect([answer.status, answer.body]).toEqual([
      201,
      {
        success: true,
        message: expect.any(String),
        withdrawal: {
          id: expect.stringMatching(/^po_[0-9a-f]{32}$/),
          phone: owner.phone,
          status: "queued",
          amount: 100,
          fee: 0,
          receipt: null,
          reason: null,
          created_at: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
          finished_at: null,
        },
      },
    ]);
    expect(await wallet(owner)).toEqual({ balance: 50, held: 100, owed: 0 });
    await tick(PAYING);
    expect(lastPaymentRequest(network)).toMatchObject({ Amount: 100, PartyB: owner.phone });
    await answerTo(
      lastPaymentRequest(network).ResultURL,
      b2cPaid({ amount: 100, OriginatorConversationID: (await payoutRow({ id })).originator_id ?? "" }),
    );
    expect(await readWithdrawal(owner, id)).toMatchObject({
      success: true,
      withdrawal: { id, status: "paid", receipt: expect.any(String) },
    });
    expect(await wallet(owner)).toEqual({ balance: 50, held: 0, owed: 0 });
    expect((await ledgerOf(id)).map((row) => row.kind)).toEqual(["hold", "paid_out"]);
  });

  it("that fails is given back, once, in twenty copies of the failure", async () => {
    const owner = await merchantWith(150);
    const { id } = (await withdraw(owner)).body.withdrawal;
    network.b2c = broken("TimeoutError");
    await tick(PAYING);
    const url = lastPaymentRequest(network).ResultURL;
    await Promise.all(times(20, () => answerTo(url, payoutFailed(2040, "Customer is not registered."))));
    expect(await wallet(owner)).toEqual({ balance: 150, held: 0, owed: 0 });
    expect((await ledgerOf(id)).map((row) => row.kind)).toEqual(["hold", "given_back"]);
    expect(await keptCallbacks({ id })).toHaveLength(20);
    expect((await readWithdrawal(owner, id)).withdrawal).toMatchObject({
      status: "failed",
      reason: expect.stringContaining("not registered"),
    });
  });

  it("holds its fee with it", async () => {
    const owner = await merchantWith(150);
    expect(code(await withdraw(owner, { amount: 146 }, "a", { PAYOUT_FEE_B2C: "5" }))).toEqual([
      402,
      "INSUFFICIENT_BALANCE",
    ]);
    const answer = await withdraw(owner, { amount: 145 }, "b", { PAYOUT_FEE_B2C: "5" });
    expect(answer.body.withdrawal).toMatchObject({ amount: 145, fee: 5 });
    expect(await wallet(owner)).toEqual({ balance: 0, held: 150, owed: 0 });
  });

  it.each([
    ["no Idempotency-Key", {}, null, 400, "MISSING_FIELDS"],
    ["an Idempotency-Key that is none", {}, "two words", 400, "INVALID_FIELD"],
    ["no amount", { amount: undefined }, "k", 400, "MISSING_FIELDS"],
    ["less than 10", { amount: 9 }, "k", 400, "INVALID_AMOUNT"],
    ["more than 250,000", { amount: 250_001 }, "k", 400, "INVALID_AMOUNT"],
    ["a fraction", { amount: 10.5 }, "k", 400, "INVALID_AMOUNT"],
    ["a negative amount", { amount: -100 }, "k", 400, "INVALID_AMOUNT"],
    ["an amount that is text", { amount: "1e2" }, "k", 400, "INVALID_AMOUNT"],
    ["no phone", { phone: null }, "k", 400, "MISSING_FIELDS"],
    ["a phone that is none", { phone: "12345" }, "k", 400, "INVALID_PHONE"],
    ["a phone that is not verified", { phone: "254799999999" }, "k", 400, "INVALID_PHONE"],
    ["more than the wallet holds", { amount: 151 }, "k", 402, "INSUFFICIENT_BALANCE"],
  ])("with %s is refused, and holds nothing", async (_, body, key, status, error) => {
    const owner = await merchantWith(150);
    expect(code(await withdraw(owner, body, key))).toEqual([status, error]);
    expect(await wallet(owner)).toEqual({ balance: 150, held: 0, owed: 0 });
    expect(await payoutsOf(owner)).toEqual([]);
    // A refusal uses up no key.
    expect((await withdraw(owner, {}, "k")).status).toBe(201);
  });

  it.each([9, 250_001])("of %s is told the range of a withdrawal, not of a push", async (amount) => {
    const { body } = await withdraw(await merchantWith(0), { amount });
    expect(body.message).toBe("The amount must be a whole number of shillings from 10 to 250,000.");
    expect(body.errors).toEqual([{ field: "amount", message: expect.stringContaining("10 to 250,000") }]);
  });

  it("goes to no phone that another merchant has verified", async () => {
    const [owner, other] = [await merchantWith(150), await merchantWith(0)];
    const refused = await withdraw(owner, { phone: other.phone });
    expect(code(refused)).toEqual([400, "INVALID_PHONE"]);
    expect(refused.body.errors).toEqual([{ field: "phone", message: "must be one of your verified phones" }]);
  });

  it("is not for a key of scope payments, and not shown to another merchant", async () => {
    const [owner, other] = [await merchantWith(150), await merchantWith(0)];
    const { id } = (await withdraw(owner)).body.withdrawal;
    for (const path of [id, "po_x", `po_${"0".repeat(32)}`]) {
      expect((await readWithdrawal(other, path)).error_code).toBe("NOT_FOUND");
    }
    await rows("UPDATE api_keys SET scope = 'payments' WHERE id = ?", owner.keyId);
    expect(code(await withdraw(owner))).toEqual([403, "FORBIDDEN_SCOPE"]);
    expect((await readWithdrawal(owner, id)).error_code).toBe("FORBIDDEN_SCOPE");
  });
});

describe("the Idempotency-Key of a withdrawal", () => {
  it("gives the first answer again, however the body is spelt", async () => {
    const owner = await merchantWith(150);
    const first = await withdraw(owner, {}, "rent");
    const local = `0${owner.phone.slice(3)}`;
    const again = await withdraw(owner, { amount: "100", phone: local, note: "x" }, '"rent"');
    expect(again.body).toEqual(first.body);
    expect(again.headers.get("Idempotent-Replayed")).toBe("true");
    expect(first.headers.get("Idempotent-Replayed")).toBeNull();
    expect(await wallet(owner)).toEqual({ balance: 50, held: 100, owed: 0 });
  });

  it("with another body is refused", async () => {
    const owner = await merchantWith(150);
    await withdraw(owner, {}, "rent");
    expect(code(await withdraw(owner, { amount: 50 }, "rent"))).toEqual([422, "IDEMPOTENCY_KEY_REUSED"]);
  });

  it("holds for all of the merchant's keys, over a regenerate, and for no other merchant", async () => {
    const [owner, other] = [await merchantWith(150), await merchantWith(150)];
    const first = await withdraw(owner, {}, "rent");
    const second = await request("/v1/keys", { key: owner.key, body: { name: "Branch" } });
    const regenerated = await request(`/v1/keys/${owner.keyId}/regenerate`, {
      key: owner.key,
      method: "POST",
    });
    for (const key of [
      second.body.account.api_key,
      regenerated.body.account?.api_key ?? regenerated.body.api_key,
    ]) {
      expect((await withdraw({ ...owner, key }, {}, "rent")).body.withdrawal?.id).toBe(
        first.body.withdrawal.id,
      );
    }
    expect((await withdraw(other, {}, "rent")).body.withdrawal.id).not.toBe(first.body.withdrawal.id);
  });

  it("makes one withdrawal of fifty copies at once", async () => {
    const owner = await merchantWith(1_000);
    const answers = await Promise.all(times(50, () => withdraw(owner, {}, "rent")));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([201]));
    expect(new Set(answers.map((answer) => answer.body.withdrawal.id)).size).toBe(1);
    expect(await wallet(owner)).toEqual({ balance: 900, held: 100, owed: 0 });
    expect(await payoutsOf(owner)).toHaveLength(1);
  });

  it("makes one of two bodies that race for it", async () => {
    const owner = await merchantWith(1_000);
    const answers = await Promise.all(
      times(20, (i) => withdraw(owner, { amount: i % 2 ? 100 : 200 }, "rent")),
    );
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([201, 422]));
    expect(await payoutsOf(owner)).toHaveLength(1);
  });
});

describe("100 withdrawals at once", () => {
  it("take exactly what the wallet holds, and never more", async () => {
    const owner = await merchantWith(1_050);
    const answers = await Promise.all(times(100, () => withdraw(owner)));
    const accepted = answers.filter((answer) => answer.status === 201);
    expect(accepted).toHaveLength(10);
    expect(new Set(answers.filter((a) => a.status !== 201).map((a) => a.body.error_code))).toEqual(
      new Set(["INSUFFICIENT_BALANCE"]),
    );
    expect(await wallet(owner)).toEqual({ balance: 50, held: 1_000, owed: 0 });
    expect(await payoutsOf(owner)).toHaveLength(10);
    const held = await rows(
      "SELECT sum(amount) AS sum, count(*) AS count FROM ledger_entries WHERE kind = 'hold' AND merchant_id = ?",
      owner.merchantId,
    );
    expect(held).toEqual([{ sum: 1_000, count: 10 }]);
  });
});
