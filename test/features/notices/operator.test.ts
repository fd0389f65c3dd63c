import { env } from "cloudflare:test";
import { beforeEach, expect, it, vi } from "vitest";
import { interceptedDatabase } from "../../support/database.ts";
import { callBack, newMerchant, paid, push, readTransaction, tick } from "../../support/gateway.ts";
import { broken, freshNetwork, type Network } from "../../support/network.ts";

const DAY_MS = 86_400_000;

let network: Network;
beforeEach(async () => {
  network = freshNetwork();
  await env.DB.exec("DELETE FROM notices; UPDATE transactions SET due_at = NULL;");
});

/** Subjects of what the operator is told by email. What one tick writes, the next one sends. */
async function told(): Promise<string[]> {
  await tick();
  await tick();
  return network
    .to("email.test")
    .map((sent) => sent.body as { to: string[]; subject: string }) // our own client's JSON
    .filter((email) => email.to.includes("operator@smartpay.test"))
    .map((email) => email.subject);
}

it("is told of a callback that does not fit its payment, once for each fault", async () => {
  const { key } = await newMerchant();
  const { body } = await push(key);
  const url = network.pushes[0]?.CallBackURL ?? "";
  await callBack(url, paid(body, { amount: 151 }));
  await callBack(url, paid(body, { amount: 152 }));
  await callBack(url, { nothing: "that we know" });
  expect((await told()).sort()).toEqual([
    "A callback of M-Pesa's could not be read",
    "A callback of M-Pesa's does not fit its payment",
  ]);
});

it("is told of a payment that has had no result for a day", async () => {
  const { key } = await newMerchant();
  network.push = broken("TimeoutError");
  await push(key);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + DAY_MS + 60_000 });
  expect(await told()).toContain("A payment has had no result for a day");
});

it("is told of it also where all ends with the payment's failure", async () => {
  const { key } = await newMerchant();
  network.push = broken("TimeoutError");
  const { body } = await push(key);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + DAY_MS + 60_000 });
  let isDead = false;
  const DB = interceptedDatabase(async (sql, call) => {
    if (isDead) throw new Error("the process is gone");
    const answer = await call();
    isDead ||= /update "transactions" set [^;]*"result_code" = /.test(sql);
    return answer;
  });
  await tick({ DB });
  expect(isDead).toBe(true);
  expect(await readTransaction(key, body.transaction_id)).toMatchObject({ status: "failed" });
  expect(await told()).toContain("A payment has had no result for a day");
});

it("is not told so where a callback completes the payment while M-Pesa is asked", async () => {
  const { key } = await newMerchant();
  const { body } = await push(key);
  const url = network.pushes.at(-1)?.CallBackURL ?? "";
  network.query = async () => {
    await callBack(url, paid(body));
    return new Response("<html>", { status: 503 });
  };
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + DAY_MS + 60_000 });
  const subjects = await told();
  expect(await readTransaction(key, body.transaction_id)).toMatchObject({ status: "completed" });
  expect(subjects).not.toContain("A payment has had no result for a day");
});

it("is warned 14 and 3 days before the initiator's password ends", async () => {
  const settings = {
    DARAJA_INITIATOR: "initiator",
    DARAJA_SECURITY_CREDENTIAL: "sealed",
    DARAJA_INITIATOR_PASSWORD_SET_ON: "2026-09-01",
  };
  const subject = "The M-Pesa initiator's password ends on 2026-11-30";
  const toldOn = async (day: string) => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse(`${day}T12:00:00+03:00`) });
    await tick(settings);
    return (await told()).filter((line) => line === subject).length;
  };
  expect(await toldOn("2026-11-15")).toBe(0);
  expect(await toldOn("2026-11-16")).toBe(1);
  expect(await toldOn("2026-11-20")).toBe(1);
  expect(await toldOn("2026-11-28")).toBe(2);
});
