import { afterAll, beforeAll, expect, it } from "vitest";
import {
  eventually,
  newAddress,
  newStateDir,
  type Running,
  removeStateDir,
  start,
} from "./support/running.ts";

const stateDir = newStateDir();
let running: Running;

beforeAll(async () => {
  // Asking again and again must not use up the key's minute.
  const env = { TIME_SCALE: "15", LIMITS: JSON.stringify({ key_minute: 6_000 }) };
  running = await start({ stateDir, env });
});

afterAll(async () => {
  await running?.stop();
  removeStateDir(stateDir);
});

// biome-ignore lint/suspicious/noExplicitAny: answers are read as a merchant's client reads them, without types
async function call(path: string, body?: object): Promise<any> {
  const response = await fetch(running.gateway + path, {
    method: body ? "POST" : "GET",
    headers: {
      "X-API-Key": running.key,
      "Content-Type": "application/json",
      "CF-Connecting-IP": newAddress(),
    },
    body: body && JSON.stringify(body),
  });
  return response.json();
}

// biome-ignore lint/suspicious/noExplicitAny: as above
const simulator = async (path: string, init?: RequestInit): Promise<any> =>
  (await fetch(running.simulator + path, init)).json();

const strike = (fault: object) =>
  simulator("/faults", {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ sms: fault }),
  });

const textsOn = async (phone: string) =>
  (await simulator(`/phones/${phone}/messages`)).messages.map(({ text }: { text: string }) => text);

/** The message once it has this status. */
const becomes = (id: string, status: string) =>
  eventually(
    async () => (await call(`/v1/sms/${id}`)).data,
    (sms) => sms.status === status,
  );

it("an SMS reaches the phone, and its delivery is reported back", async () => {
  const message = "Hello from SmartPay! \u{1F600}";
  const { data } = await call("/v1/sms/", { phone: "0712345678", message });
  expect(data).toMatchObject({ mobile: "254712345678", cost: 1, remaining_balance: 99 });
  await becomes(data.transaction_id, "delivered");
  expect(await textsOn("254712345678")).toEqual([message]);
});

it("one text to many phones reaches them all", async () => {
  const phone = Array.from({ length: 12 }, (_, i) => 254712000100 + i);
  const { data } = await call("/v1/sms", { phone, message: "To all" });
  for (const { transaction_id: id } of data.messages) await becomes(id, "delivered");
  for (const number of phone) expect(await textsOn(String(number))).toEqual(["To all"]);
});

it("a refused SMS gives its credit back", async () => {
  const { balance } = (await call("/v1/sms/balance")).data;
  await strike({ refuse: { count: 1 } });
  const { data } = await call("/v1/sms", { phone: "0712000201", message: "Refused" });
  await becomes(data.transaction_id, "failed");
  expect((await call("/v1/sms/balance")).data.balance).toBe(balance);
  expect(await textsOn("254712000201")).toEqual([]);
});

it("an SMS whose sending got no answer is sent once, and a delivery report still finds it", async () => {
  await strike({ timeout: { count: 1 } });
  const { data } = await call("/v1/sms", { phone: "0712000202", message: "Lost answer" });
  await becomes(data.transaction_id, "delivered");
  expect(await textsOn("254712000202")).toEqual(["Lost answer"]);
});
