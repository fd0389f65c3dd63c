import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  eventually,
  Listener,
  newAddress,
  newStateDir,
  type Running,
  removeStateDir,
  start,
} from "./support/running.ts";

const stateDir = newStateDir();
let running: Running;
let merchant: Listener;

beforeAll(async () => {
  merchant = await Listener.open();
  // Asking again and again must not use up the key's minute.
  const LIMITS = JSON.stringify({ key_minute: 6_000 });
  running = await start({ stateDir, env: { TIME_SCALE: "15", LOG_LEVEL: "log", LIMITS } });
  const set = await call("PUT", `/v1/keys/1/destination`, {
    method: "wallet",
    callbackurl: `${merchant.url}/callback`,
  });
  expect(set.success).toBe(true);
});

afterAll(async () => {
  await running?.stop();
  merchant?.close();
  removeStateDir(stateDir);
});

// biome-ignore lint/suspicious/noExplicitAny: answers are read as a merchant's client reads them, without types
async function call(method: string, path: string, body?: object): Promise<any> {
  const response = await fetch(running.gateway + path, {
    method,
    headers: {
      Authorization: `Bearer ${running.key}`,
      "Content-Type": "application/json",
      "CF-Connecting-IP": newAddress(),
    },
    body: body && JSON.stringify(body),
  });
  return response.json();
}

const push = (phone: string, amount = 150) => call("POST", "/v1/stk/push", { phone, amount });
const transaction = async (ref: string) => (await call("GET", `/v1/transactions/${ref}`)).transaction;
const settled = (ref: string) =>
  eventually(
    () => transaction(ref),
    (t) => t.status !== "pending",
  );
const callbackOf = ({ body }: { body: unknown }) =>
  (
    body as {
      Body: { stkCallback: { CheckoutRequestID: string; ResultCode: number; CallbackMetadata?: unknown } };
    }
  ).Body.stkCallback; // what the text says is posted
const webhookFor = async (ref: string) =>
  callbackOf(await merchant.next((r) => callbackOf(r).CheckoutRequestID === ref));

describe("a payment over HTTP, gateway and simulator both running", () => {
  it("is paid, and the merchant's server is told within a second of the callback", async () => {
    const delays: number[] = [];
    // The quickest of three: a machine with other tests on it holds one up now and then.
    for (let i = 0; i < 3; i++) {
      const { checkout_request_id: ref } = await push("254700000000");
      const told = await merchant.next((r) => callbackOf(r).CheckoutRequestID === ref);
      expect(callbackOf(told)).toMatchObject({
        ResultCode: 0,
        CallbackMetadata: { Item: expect.any(Array) },
      });
      const t = await transaction(ref);
      expect(t).toMatchObject({
        status: "completed",
        mpesa_receipt: expect.stringMatching(/^[A-Z0-9]{10}$/),
      });
      delays.push(told.at - Date.parse(`${t.completed_at.replace(" ", "T")}+03:00`));
    }
    expect(Math.min(...delays)).toBeLessThan(2_000); // completed_at has whole seconds
  });

  it.each([
    ["cancelled", "254700001032", 1032],
    ["refused for a wrong PIN", "254700002001", 2001],
    ["not made, the phone being unreachable", "254700001037", 1037],
  ])("is %s", async (_, phone, code) => {
    const { checkout_request_id: ref } = await push(phone);
    expect(await webhookFor(ref)).toMatchObject({ CheckoutRequestID: ref, ResultCode: code });
    expect(await transaction(ref)).toMatchObject({
      status: "failed",
      result_code: String(code),
      mpesa_receipt: null,
    });
  });

  it("is found out by query when no callback ever comes", async () => {
    const { checkout_request_id: ref } = await push("254700000700");
    expect(await settled(ref)).toMatchObject({ status: "completed", result_code: "0" });
    expect(await webhookFor(ref)).toMatchObject({ ResultCode: 0 });
  });

  it("is paid by typing the PIN on the phone", async () => {
    const { checkout_request_id: ref } = await push("254711222333");
    const prompts = await fetch(`${running.simulator}/phones/254711222333/prompts`);
    const { prompts: open } = (await prompts.json()) as {
      prompts: { checkout_request_id: string; amount: number }[];
    };
    expect(open).toMatchObject([{ checkout_request_id: ref, amount: 150 }]);
    await fetch(`${running.simulator}/phones/254711222333/prompts/${ref}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ pin: "1234" }),
    });
    expect(await settled(ref)).toMatchObject({ status: "completed" });
  });
});

describe("what all of these wrote to the log", () => {
  /** The Workers' own lines; before them `npm start` shows its key, and between them wrangler each request's path. */
  const ownLines = () =>
    (running.output().split("Ctrl-C ends both.")[1] ?? "")
      .split("\n")
      .filter((line) => !line.startsWith("[wrangler:"))
      .join("\n");

  /** Whatever the state folder keeps to itself. */
  function secrets(): string[] {
    const made: Record<string, string> = JSON.parse(readFileSync(join(stateDir, "secrets.json"), "utf8"));
    const settings = readFileSync(join(stateDir, "gateway.env"), "utf8").matchAll(/^(\w+)='(.*)'$/gm);
    const isSecret = /SECRET|TOKEN|KEY|PASSKEY|CREDENTIAL/;
    const set = [...settings].filter(([, name = ""]) => isSecret.test(name)).map(([, , value = ""]) => value);
    return [...Object.values(made), ...set];
  }

  it("holds no key, no whole phone number and no secret", () => {
    const log = ownLines();
    expect(log).toContain('"event":"payment_settled"');
    expect(log).toContain('"event":"request"');
    expect(log).not.toMatch(/\b[0-9a-f]{64}\b/i);
    expect(log).not.toMatch(/(?:\+?254|\b0)[17]\d{8}/);
    expect(secrets().length).toBeGreaterThan(5);
    expect(secrets().filter((secret) => log.includes(secret))).toEqual([]);
  });
});
