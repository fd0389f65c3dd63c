import { env } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { interceptedDatabase } from "../../support/database.ts";
import {
  callBack,
  type Merchant,
  newMerchant,
  newPhone,
  newReceipt,
  paid,
  push,
  request,
  rows,
  tick,
} from "../../support/gateway.ts";
import { freshNetwork, mpesaStatement, type Network, type StatementLine } from "../../support/network.ts";
import {
  b2cPaid,
  consume,
  lastPaymentRequest,
  merchantPaidTo,
  PAYING,
  payoutFailed,
  spend,
} from "../../support/payouts.ts";

const DAY = "2026-11-24";
const NOON = Date.parse(`${DAY}T12:00:00+03:00`);

let network: Network;
let merchant: Merchant;
beforeEach(async () => {
  network = freshNetwork();
  vi.useFakeTimers({ toFake: ["Date"], now: NOON });
  await env.DB.exec("DELETE FROM progress; DELETE FROM statement_lines; DELETE FROM statements;");
  await env.DB.exec("UPDATE ledger_entries SET created_at = 0;");
  merchant = await newMerchant();
});

/** A customer pays the merchant; answers the payment's id and M-Pesa's line of it. */
async function pay(of: Merchant, amount: number): Promise<{ id: string; line: StatementLine }> {
  const [phone, receipt] = [newPhone(), newReceipt()];
  const { body } = await push(of.key, { phone, amount, account_reference: "ORDER_1" });
  await callBack(network.pushes.at(-1)?.CallBackURL ?? "", paid(body, { receipt, amount }));
  return { id: body.transaction_id, line: { receipt, phone, amount, reference: "ORDER_1", at: NOON } };
}

/** M-Pesa reports these lines, and the night comes. */
async function endDay(...lines: StatementLine[]): Promise<void> {
  network.pull = mpesaStatement(lines);
  vi.setSystemTime(NOON + 60_000);
  await tick();
  for (const time of ["01:05", "01:20"]) {
    vi.setSystemTime(Date.parse(`2026-11-25T${time}:00+03:00`));
    await tick();
  }
}

const get = (path: string, { key }: Merchant) => request(`/v1/statements${path}`, { key });
const operators = async (query = "") => {
  const headers = { Authorization: `Bearer ${env.OPERATOR_TOKEN}` };
  return (await request(`/operator/v1/statements?day=${DAY}${query}`, { headers })).body.statements;
};

const NOTHING = { count: 0, amount: 0 };

describe("a merchant's statement of a day", () => {
  it("says what M-Pesa reported, what was credited and what was paid out", async () => {
    const paidTo = await merchantPaidTo({ method: "phone", phone: newPhone() });
    const [first, second] = [await pay(paidTo, 150), await pay(paidTo, 70)];
    await consume([{ merchant: paidTo, id: first.id.replace("tx_", "po_"), target: "" }]);
    const sent = lastPaymentRequest(network);
    const ids = await rows<{ conversation_id: string; daraja_originator_id: string }>(
      "SELECT conversation_id, daraja_originator_id FROM payouts WHERE id = ?",
      first.id.replace("tx_", "po_"),
    );
    const result = b2cPaid({
      ConversationID: ids[0]?.conversation_id,
      OriginatorConversationID: ids[0]?.daraja_originator_id,
    });
    await callBack(sent.ResultURL ?? "", result, PAYING);
    await endDay(first.line, second.line);

    const { status, body } = await get(`/${DAY}`, paidTo);
    expect([status, body]).toEqual([
      200,
      {
        success: true,
        statement: {
          day: DAY,
          account_number: paidTo.account,
          payments: { mpesa: { count: 2, amount: 220 }, ledger: { count: 2, amount: 220 } },
          payouts: { count: 1, amount: 150, fees: 0 },
          differences: [],
        },
      },
    ]);
  });

  it("has each payment at midnight in the day that it was booked for, in whichever order they were stored", async () => {
    const midnight = Date.parse("2026-11-25T00:00:00+03:00");
    await pay(merchant, 150);
    const [next, late] = [await pay(merchant, 70), await pay(merchant, 90)];
    await rows("UPDATE ledger_entries SET created_at = ? WHERE reference = ?", midnight + 1, next.id);
    await rows("UPDATE ledger_entries SET created_at = ? WHERE reference = ?", midnight - 1, late.id);
    await endDay();
    for (const time of ["01:05", "01:20"]) {
      vi.setSystemTime(Date.parse(`2026-11-26T${time}:00+03:00`));
      await tick();
    }
    const ledgerOf = async (day: string) =>
      (await get(`/${day}`, merchant)).body.statement.payments.ledger.amount;
    expect([await ledgerOf(DAY), await ledgerOf("2026-11-25")]).toEqual([240, 70]);
  });

  it("has a payout that was paid after its failure, as one", async () => {
    const paidTo = await merchantPaidTo({ method: "phone", phone: newPhone() });
    const { id, line } = await pay(paidTo, 150);
    await consume([{ merchant: paidTo, id: id.replace("tx_", "po_"), target: "" }]);
    const { ResultURL } = lastPaymentRequest(network);
    const [sent] = await rows<{ conversation_id: string; daraja_originator_id: string }>(
      "SELECT conversation_id, daraja_originator_id FROM payouts WHERE id = ?",
      id.replace("tx_", "po_"),
    );
    const ids = {
      ConversationID: sent?.conversation_id ?? "",
      OriginatorConversationID: sent?.daraja_originator_id ?? "",
    };
    await callBack(ResultURL ?? "", payoutFailed(2040, "Not registered.", ids), PAYING);
    await spend(paidTo, 100);
    await callBack(ResultURL ?? "", b2cPaid(ids), PAYING);
    await endDay(line);
    expect((await get(`/${DAY}`, paidTo)).body.statement.payouts).toEqual({
      count: 1,
      amount: 150,
      fees: 0,
    });
  });

  it("names a payment that M-Pesa did not report", async () => {
    const [known, missing] = [await pay(merchant, 150), await pay(merchant, 70)];
    await endDay(known.line);
    const { body } = await get(`/${DAY}`, merchant);
    expect(body.statement).toMatchObject({
      payments: { mpesa: { count: 1, amount: 150 }, ledger: { count: 2, amount: 220 } },
      differences: [
        {
          kind: "not_in_mpesa",
          receipt: null,
          transaction_id: missing.id,
          mpesa_amount: null,
          ledger_amount: 70,
        },
      ],
    });
  });

  it("names a payment whose amount M-Pesa reports otherwise", async () => {
    const { id, line } = await pay(merchant, 150);
    await endDay({ ...line, amount: 149 });
    const { body } = await get(`/${DAY}`, merchant);
    expect(body.statement.differences).toEqual([
      {
        kind: "other_amount",
        receipt: line.receipt,
        transaction_id: id,
        mpesa_amount: 149,
        ledger_amount: 150,
      },
    ]);
  });

  it("names a payment of its own that the books do not have", async () => {
    const { id, line } = await pay(merchant, 150);
    await rows("DELETE FROM ledger_entries WHERE reference = ?", id);
    await endDay(line);
    const { body } = await get(`/${DAY}`, merchant);
    expect(body.statement).toMatchObject({
      payments: { mpesa: { count: 1, amount: 150 }, ledger: NOTHING },
      differences: [
        {
          kind: "not_in_ledger",
          receipt: line.receipt,
          transaction_id: id,
          mpesa_amount: 150,
          ledger_amount: null,
        },
      ],
    });
  });

  it("has nothing of what it bought from the operator, whose own statement has it", async () => {
    const phone = newPhone();
    const receipt = newReceipt();
    const body = { credits: 50, phone };
    const bought = await request("/v1/sms/credits", { key: merchant.key, body });
    await callBack(network.pushes.at(-1)?.CallBackURL ?? "", paid(bought.body, { receipt, amount: 50 }));
    const { line } = await pay(merchant, 150);
    await endDay(line, { receipt, phone, amount: 49, reference: "SMS", at: NOON });
    expect((await get(`/${DAY}`, merchant)).body.statement).toMatchObject({
      payments: { mpesa: { count: 1, amount: 150 }, ledger: { count: 1, amount: 150 } },
      differences: [],
    });
    const [own] = await operators();
    expect(own.payments).toEqual({ mpesa: { count: 2, amount: 199 }, ledger: { count: 2, amount: 200 } });
    expect(own.differences).toMatchObject([{ kind: "other_amount", receipt }]);
  });

  it("is nobody else's", async () => {
    const { line } = await pay(merchant, 150);
    await endDay(line);
    const stranger = await newMerchant();
    expect((await get(`/${DAY}`, stranger)).body.error_code).toBe("NOT_FOUND");
    expect((await get("", stranger)).body).toMatchObject({ statements: [], count: 0, has_more: false });
  });

  it("is there once the day is over, and for no other day", async () => {
    const { line } = await pay(merchant, 150);
    expect((await get(`/${DAY}`, merchant)).status).toBe(404);
    await endDay(line);
    expect((await get(`/${DAY}`, merchant)).status).toBe(200);
    for (const day of ["2026-11-25", "2026-11-23", "today", "2026-11-24x", "0"]) {
      expect([day, (await get(`/${day}`, merchant)).body.error_code]).toEqual([day, "NOT_FOUND"]);
    }
  });

  it("waits until M-Pesa has told the whole day, and then lacks nothing of it", async () => {
    const { line } = await pay(merchant, 150);
    network.pull = mpesaStatement([]);
    vi.setSystemTime(NOON + 60_000);
    await tick();
    network.pull = () => new Response("<html>", { status: 503 });
    for (const time of ["01:05", "01:20", "08:00"]) {
      vi.setSystemTime(Date.parse(`2026-11-25T${time}:00+03:00`));
      await tick();
    }
    expect((await get(`/${DAY}`, merchant)).status).toBe(404);
    network.pull = mpesaStatement([line]);
    for (const time of ["08:10", "08:25"]) {
      vi.setSystemTime(Date.parse(`2026-11-25T${time}:00+03:00`));
      await tick();
    }
    expect((await get(`/${DAY}`, merchant)).body.statement).toMatchObject({ differences: [] });
  });

  it("is made up for where nothing ran for days", async () => {
    await endDay();
    const nextNoon = NOON + 86_400_000;
    vi.setSystemTime(nextNoon);
    await pay(merchant, 70);
    for (let at = 0; at < 4; at++) {
      vi.setSystemTime(Date.parse("2026-11-28T09:00:00+03:00") + at * 900_000);
      await tick();
    }
    expect((await get("/2026-11-25", merchant)).body.statement.payments.ledger).toEqual({
      count: 1,
      amount: 70,
    });
    expect((await get("", merchant)).body.statements).toHaveLength(1);
  });

  it("takes a key of scope full", async () => {
    const body = { name: "Till 1", scope: "payments" };
    const narrow = await request("/v1/keys", { key: merchant.key, body });
    for (const path of ["", `/${DAY}`]) {
      const answer = await request(`/v1/statements${path}`, { key: narrow.body.account.api_key });
      expect(answer.body.error_code).toBe("FORBIDDEN_SCOPE");
    }
  });
});

describe("the list of statements", () => {
  const days = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => `2026-10-${String(from - i).padStart(2, "0")}`);
  const listed = ({ body }: { body: { statements: { day: string }[] } }) => body.statements.map((s) => s.day);

  beforeEach(async () => {
    for (const day of days(30, 30)) {
      const statement = {
        day,
        account_number: merchant.account,
        payments: { mpesa: NOTHING, ledger: NOTHING },
        payouts: { ...NOTHING, fees: 0 },
        differences: [],
      };
      await rows(
        "INSERT INTO statements (merchant_id, day, body, created_at) VALUES (?, ?, ?, 0)",
        merchant.merchantId,
        day,
        JSON.stringify(statement),
      );
    }
  });

  it("is by day, the newest first, in pages", async () => {
    const first = await get("?limit=12", merchant);
    expect(listed(first)).toEqual(days(30, 12));
    expect(first.body).toMatchObject({ count: 12, has_more: true, next_cursor: "2026-10-19" });
    const second = await get("?limit=20&cursor=2026-10-19", merchant);
    expect(listed(second)).toEqual(days(18, 18));
    expect(second.body).toMatchObject({ count: 18, has_more: false, next_cursor: null });
  });

  it("can be of some days alone, the first and the last included", async () => {
    expect(listed(await get("?from=2026-10-05&to=2026-10-07", merchant))).toEqual(days(7, 3));
    expect(listed(await get("?from=2026-10-29", merchant))).toEqual(days(30, 2));
    expect(listed(await get("?to=2026-09-30", merchant))).toEqual([]);
  });

  it("clamps its limit, and refuses what is no day", async () => {
    expect(listed(await get("?limit=0", merchant))).toEqual(days(30, 1));
    expect((await get("?limit=1000", merchant)).body.count).toBe(30);
    for (const query of ["from=yesterday", "to=2026-02-30", "cursor=1", "limit=x", "limit=", "limit=0x10"]) {
      expect([query, (await get(`?${query}`, merchant)).body.error_code]).toEqual([query, "INVALID_FIELD"]);
    }
  });
});

describe("the operator's statement", () => {
  it("of a day with differences is told, also where all ends with its being stored", async () => {
    await env.DB.exec("DELETE FROM notices");
    await pay(merchant, 150);
    network.pull = mpesaStatement([]);
    vi.setSystemTime(NOON + 60_000);
    await tick();
    let isDead = false;
    const DB = interceptedDatabase(async (sql, call) => {
      if (isDead) throw new Error("the process is gone");
      const answer = await call();
      isDead ||= /insert into "statements"/.test(sql);
      return answer;
    });
    for (const time of ["01:05", "01:20"]) {
      vi.setSystemTime(Date.parse(`2026-11-25T${time}:00+03:00`));
      await tick({ DB });
    }
    expect([isDead, await operators()]).toMatchObject([true, [{ differences: [{ kind: "not_in_mpesa" }] }]]);
    vi.setSystemTime(Date.parse("2026-11-25T01:40:00+03:00"));
    await tick();
    const subjects = network.to("email.test").map(({ body }) => (body as { subject: string }).subject); // our client's JSON
    expect(subjects).toContain(`1 differences between M-Pesa and the ledger on ${DAY}`);
  });

  it("is of all merchants, and names what belongs to none", async () => {
    const other = await newMerchant();
    const [first, second] = [await pay(merchant, 150), await pay(other, 70)];
    const strange = {
      receipt: newReceipt(),
      phone: "254799000111",
      amount: 33,
      reference: "UNKNOWN",
      at: NOON,
    };
    await endDay(first.line, second.line, strange);
    const [own] = await operators();
    expect(own).toEqual({
      day: DAY,
      account_number: null,
      payments: { mpesa: { count: 3, amount: 253 }, ledger: { count: 2, amount: 220 } },
      payouts: { ...NOTHING, fees: 0 },
      differences: [
        {
          kind: "not_in_ledger",
          receipt: strange.receipt,
          transaction_id: null,
          mpesa_amount: 33,
          ledger_amount: null,
        },
      ],
    });
    expect(await operators(`&account_number=${other.account}`)).toMatchObject([
      { account_number: other.account, payments: { ledger: { count: 1, amount: 70 } }, differences: [] },
    ]);
  });
});
