import { runDurableObjectAlarm } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { vi } from "vitest";

export type Sent = { url: string; headers: Headers; text: string };

/** Every callback that has left the simulator in this test. */
export const sent: Sent[] = [];

/** Answers callbacks in the gateway's place. */
export function interceptCallbacks(): void {
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    sent.push({ url: request.url, headers: request.headers, text: await request.text() });
    return new Response("{}");
  });
}

/** A fresh world whose clock stands still, an hour ahead so that no alarm rings by itself. */
export async function freshNetwork(): Promise<void> {
  vi.restoreAllMocks();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60 * 60 * 1000 });
  sent.length = 0;
  interceptCallbacks();
  await call("POST", "/reset");
}

/** Moves the clock and lets the alarm do what has become due. */
export async function passSeconds(seconds: number): Promise<void> {
  vi.setSystemTime(Date.now() + seconds * 1000);
  await runDurableObjectAlarm(env.NETWORK.getByName("network"));
}

export const sentBodies = () => sent.map(({ text }) => JSON.parse(text));

/** A call with a JSON body, and its answer as JSON where it is some. */
export async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
) {
  const response = await exports.default.fetch(`https://simulator.test${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: parsed(text) };
}

function parsed(text: string) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export async function token(): Promise<string> {
  const headers = { Authorization: `Basic ${btoa("simulator-key:simulator-secret")}` };
  const answer = await call("GET", "/oauth/v1/generate?grant_type=client_credentials", undefined, headers);
  return answer.body.access_token;
}

/** A Daraja call with a new token. */
export async function daraja(path: string, body: unknown) {
  return call("POST", path, body, { Authorization: `Bearer ${await token()}` });
}

const TIMESTAMP = "20261124093000";

export const credentials = {
  BusinessShortCode: "600999",
  Password: btoa(`600999simulator-passkey${TIMESTAMP}`),
  Timestamp: TIMESTAMP,
};

export const pushFields = (phone: string, changes: Record<string, unknown> = {}) => ({
  ...credentials,
  TransactionType: "CustomerPayBillOnline",
  Amount: 150,
  PartyA: phone,
  PartyB: "600999",
  PhoneNumber: phone,
  CallBackURL: "https://gateway.test/cb/stk/7f3a",
  AccountReference: "ORDER_101",
  TransactionDesc: "Order",
  ...changes,
});

export const push = (phone: string, changes: Record<string, unknown> = {}) =>
  daraja("/mpesa/stkpush/v1/processrequest", pushFields(phone, changes));

export const query = (id: string) =>
  daraja("/mpesa/stkpushquery/v1/query", { ...credentials, CheckoutRequestID: id });

export const faults = (plan: unknown) => call("PUT", "/faults", plan);

/** What STK callbacks have told so far. */
export const callbacks = () => sentBodies().map((body) => body.Body.stkCallback);
