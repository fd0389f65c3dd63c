import { env } from "cloudflare:test";
import fc from "fast-check";
import { beforeEach, expect, it, vi } from "vitest";
import { statusUrls } from "../../../src/features/payouts/callback-url.ts";
import { storedMerchantId, storedPayoutId } from "../../../src/lib/ids.ts";
import { request, rows, tick } from "../../support/gateway.ts";
import { broken, freshNetwork, type Network, said } from "../../support/network.ts";
import {
  answerTo,
  b2cPaid,
  consume,
  ledgerOf,
  PAYING,
  payoutFailed,
  payoutRow,
  queuedPayout,
  status,
  wallet,
} from "../../support/payouts.ts";
import { scheduledDatabase, storageScheduler, timer } from "../../support/schedule.ts";

const HOUR = 3_600_000;
const AMOUNT = 150;

let network: Network;
beforeEach(() => {
  network = freshNetwork();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});

/** What is heard of a payout, each any number of times. */
type Word = "result" | "timeout" | "status" | "forged";

const scene = fc.record({
  isPaid: fc.boolean(),
  isAcknowledged: fc.boolean(),
  senders: fc.integer({ min: 2, max: 3 }),
  heard: fc.array(fc.constantFrom<Word>("result", "result", "timeout", "status", "forged"), {
    minLength: 1,
    maxLength: 4,
  }),
});

it("a payout is sent once, and paid or given back once, whatever is heard of it in any order", async () => {
  const isOver = timer();
  await fc.assert(
    fc.asyncProperty(storageScheduler(), scene, async (s, { isPaid, isAcknowledged, senders, heard }) => {
      if (isOver()) return;
      await rows("UPDATE payouts SET due_at = NULL");
      const payout = await queuedPayout(network);
      network.sent.length = 0;
      const ids = network.acknowledged();
      const receipt = `UKO${payout.id.slice(-7).toUpperCase()}`;
      const DB = scheduledDatabase(s);
      const statusSaid = isPaid ? status("Completed", { receipt }) : status("Failed");
      const words: Record<Word, (urls: Record<string, string>) => Promise<unknown>> = {
        result: ({ ResultURL }) =>
          answerTo(ResultURL, isPaid ? b2cPaid({ ...ids, receipt }) : payoutFailed(2040, "No.", ids), { DB }),
        timeout: ({ QueueTimeOutURL }) => answerTo(QueueTimeOutURL, payoutFailed(1, "Timeout.", ids), { DB }),
        status: async () => {
          const ref = {
            merchantId: storedMerchantId(payout.merchant.merchantId),
            id: storedPayoutId(payout.id),
          };
          const base = { publicBaseUrl: "http://localhost:8787", appSecret: env.APP_SECRET };
          const { resultUrl } = await statusUrls(base, ref, 1);
          await answerTo(resultUrl, statusSaid, { DB });
        },
        forged: ({ ResultURL = "" }) =>
          answerTo(ResultURL.replace(/[^/]+$/, "0".repeat(40)), b2cPaid({ receipt }), { DB }),
      };
      let hearing: Promise<unknown> = Promise.resolve();
      network.b2c = (sent) => {
        const urls = said(sent);
        hearing = Promise.all(heard.map((word) => words[word](urls)));
        if (!isAcknowledged) return broken("TimeoutError")();
        return Response.json(ids);
      };
      const sending = Promise.all(Array.from({ length: senders }, () => consume([payout], { DB })));
      await s.waitFor(sending.then(() => hearing));

      // Hours later the sweep asks what is still open, and M-Pesa tells.
      vi.setSystemTime(Date.now() + HOUR);
      await tick(PAYING);
      const asked = said(network.to("/transactionstatus/").at(-1)).ResultURL;
      if (asked) await answerTo(asked, statusSaid);

      expect(network.count("/b2c/")).toBe(1);
      const { merchant } = payout;
      expect((await payoutRow(payout)).status).toBe(isPaid ? "paid" : "failed");
      expect((await ledgerOf(payout.id)).map((row) => row.kind)).toEqual([
        isPaid ? "paid_out" : "given_back",
      ]);
      expect(await wallet(merchant)).toEqual({ balance: isPaid ? 0 : AMOUNT, held: 0, owed: 0 });
    }),
    { numRuns: 30 },
  );
  const headers = { Authorization: `Bearer ${env.OPERATOR_TOKEN}` };
  expect((await request("/operator/v1/ledger/verify", { headers })).status).toBe(200);
});
