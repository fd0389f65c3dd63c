import { vi } from "vitest";
import { parseJson } from "../../src/lib/json.ts";

/** One request that left the Worker. */
export type Sent = {
  url: string;
  method: string;
  headers: Headers;
  body: unknown;
  text: string;
  redirect: string;
  /** Ends when the sender no longer waits. */
  signal: AbortSignal;
};
export type Answer = (sent: Sent) => Response | Promise<Response>;

const json = (body: unknown, status = 200) => Response.json(body, { status });

/** Stands at the HTTP border: M-Pesa and merchants' servers answer as the test says, and nothing else is reachable. */
export class Network {
  readonly sent: Sent[] = [];
  private checkouts = 0;
  token: Answer = () => json({ access_token: `token-${this.count("/oauth/")}`, expires_in: "3599" });
  push: Answer = () => json(this.accepted());
  query: Answer = () =>
    json(
      { requestId: "r", errorCode: "500.001.1001", errorMessage: "The transaction is being processed" },
      500,
    );
  b2c: Answer = () => json(this.acknowledged());
  b2b: Answer = () => json(this.acknowledged());
  transactionStatus: Answer = () => json(this.acknowledged());
  pull: Answer = () =>
    json({ ResponseCode: "1001", ResponseMessage: "No transactions found", Response: [[]] });
  merchant: Answer = () => new Response("OK");
  sms: Answer = () => smsAnswer(101, "Success", `ATXid_${crypto.randomUUID()}`);
  email: Answer = () => json({ id: crypto.randomUUID() });

  install(): this {
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
      const request = new Request(input, init);
      const text = new TextDecoder().decode(await request.arrayBuffer()); // text() warns about forms
      const { url, method, headers, redirect, signal } = request;
      const sent = { url, method, headers, text, body: parseJson(text), redirect, signal };
      this.sent.push(sent);
      const { hostname, pathname } = new URL(url);
      if (hostname === "sms.test" && pathname === "/version1/messaging") return this.sms(sent);
      if (hostname === "email.test" && pathname === "/emails") return this.email(sent);
      if (hostname !== "daraja.test") return this.merchant(sent);
      if (pathname === "/oauth/v1/generate") return this.token(sent);
      if (pathname === "/mpesa/stkpush/v1/processrequest") return this.push(sent);
      if (pathname === "/mpesa/stkpushquery/v1/query") return this.query(sent);
      if (pathname === "/pulltransactions/v1/query") return this.pull(sent);
      if (pathname === "/mpesa/b2c/v3/paymentrequest") return this.b2c(sent);
      if (pathname === "/mpesa/b2b/v1/paymentrequest") return this.b2b(sent);
      if (pathname === "/mpesa/transactionstatus/v1/query") return this.transactionStatus(sent);
      throw new Error(`no such upstream: ${url}`);
    });
    return this;
  }

  /** Daraja's answer to a push that it takes, with ids of its own. */
  accepted(): { MerchantRequestID: string; CheckoutRequestID: string; ResponseCode: string } {
    this.checkouts++;
    const serial = String(this.checkouts).padStart(6, "0") + crypto.randomUUID().slice(0, 8);
    return {
      MerchantRequestID: `2654-4b64-97ff-${serial}`,
      CheckoutRequestID: `ws_CO_24112026093000${serial}`,
      ResponseCode: "0",
    };
  }

  /** Daraja's answer to a payout or question that it takes; both ids are its own. */
  acknowledged() {
    return {
      ConversationID: `AG_20261124_${crypto.randomUUID().replaceAll("-", "").slice(0, 20)}`,
      OriginatorConversationID: `7e1f-4a0c-${crypto.randomUUID().slice(0, 13)}`,
      ResponseCode: "0",
      ResponseDescription: "Accept the service request successfully.",
    };
  }

  to(part: string): Sent[] {
    return this.sent.filter((sent) => sent.url.includes(part));
  }

  count(part: string): number {
    return this.to(part).length;
  }

  /** The forms that the SMS gateway was sent. */
  get texts(): Record<string, string>[] {
    return this.to("/version1/messaging").map(({ text }) => Object.fromEntries(new URLSearchParams(text)));
  }

  get pushes(): Record<string, string>[] {
    return this.to("/stkpush/").map((sent) => sent.body as Record<string, string>); // our own client's JSON
  }
}

/** What a request of our own client's said. */
export const said = (sent: Sent | undefined) => (sent?.body ?? {}) as Record<string, string>;

/** Every test begins with a working network, the real time, and a log that is kept from the screen. */
export function freshNetwork(): Network {
  vi.restoreAllMocks();
  vi.useRealTimers();
  vi.spyOn(console, "log").mockImplementation(() => undefined);
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  return new Network().install();
}

/** The upstream's connection breaks, or it does not answer in time. */
export const broken = (name: "TimeoutError" | "NetworkError") => () => {
  throw new DOMException("The connection went away.", name);
};

export const html = (status: number) => () =>
  new Response("<html>Request unsuccessful. Incapsula incident ID: 1-2</html>", {
    status,
    headers: { "Content-Type": "text/html" },
  });

export const darajaError = (status: number, errorCode: string, errorMessage: string) => () =>
  json({ requestId: "16813-15-1", errorCode, errorMessage }, status);

/** Africa's Talking's answer for one recipient. */
export const smsAnswer = (statusCode: number, status: string, messageId: string) =>
  json(
    {
      SMSMessageData: {
        Message: "Sent to 1/1 Total Cost: KES 0.8000",
        Recipients: [{ statusCode, number: "+254712345678", status, cost: "KES 0.8000", messageId }],
      },
    },
    201,
  );

export const queryResult = (code: string, desc: string) => () =>
  json({ ResponseCode: "0", CheckoutRequestID: "x", ResultCode: code, ResultDesc: desc });

export type StatementLine = {
  receipt: string;
  phone: string;
  amount: number;
  reference: string;
  at: number;
  /** Members of the row as M-Pesa sends it, in place of those made of the line. */
  as?: object;
};

/** Pull Transactions' answer: what customers paid to the shortcode. */
export const mpesaStatement = (lines: StatementLine[]) => () =>
  json({
    ResponseCode: lines.length > 0 ? "1000" : "1001",
    Response: [
      lines.map((line) => ({
        transactionId: line.receipt,
        trxDate: new Date(line.at + 10_800_000).toISOString().replace(/\.\d+Z/, "+03:00"),
        msisdn: Number(line.phone),
        sender: "MPESA",
        transactiontype: "c2b-pay-bill-debit",
        billreference: line.reference,
        amount: `${line.amount}.00`,
        organizationname: "SMARTPAY",
        ...line.as,
      })),
    ],
  });
