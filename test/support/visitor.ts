import { createExecutionContext, env, waitOnExecutionContext } from "cloudflare:test";
import { createApp } from "../../src/app.ts";
import type { Network } from "./network.ts";

const app = createApp();
const HOST = "http://localhost:8787";

export type Page = { status: number; headers: Headers; html: string; text: string; location: string | null };

/** Somebody with a browser: keeps cookies, and sends forms from our own pages. */
export class Visitor {
  readonly cookies = new Map<string, string>();
  /** An address of its own, so that throttles of other tests do not count here. */
  address = crypto.randomUUID();

  constructor(readonly bindings: Record<string, unknown> = {}) {}

  get = (path: string, headers: Record<string, string> = {}) => this.send(path, { headers });

  /** Sends a form as the page would. */
  submit = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
    this.send(path, {
      method: "POST",
      body: new URLSearchParams(fields).toString(),
      headers: {
        "Content-Type": "application/x-www-form-urlencoded",
        Origin: HOST,
        "Sec-Fetch-Site": "same-origin",
        ...headers,
      },
    });

  async send(path: string, init: RequestInit = {}): Promise<Page> {
    const ctx = createExecutionContext();
    const headers = new Headers(init.headers);
    headers.set("CF-Connecting-IP", this.address);
    headers.set("Accept", "text/html");
    if (this.cookies.size > 0)
      headers.set("Cookie", [...this.cookies].map((pair) => pair.join("=")).join("; "));
    const response = await app.fetch(
      new Request(`${HOST}${path}`, { ...init, headers, redirect: "manual" }),
      { ...env, ...this.bindings },
      ctx,
    );
    for (const cookie of response.headers.getSetCookie()) this.keep(cookie);
    const html = await response.text();
    await waitOnExecutionContext(ctx);
    const text = html.replace(/<(script|style)[^>]*>.*?<\/\1>/gs, "").replace(/<[^>]*>/g, " ");
    const { status } = response;
    return {
      status,
      headers: response.headers,
      html,
      text: unescaped(text).replace(/\s+/g, " "),
      location: response.headers.get("Location"),
    };
  }

  private keep(cookie: string) {
    const [pair = ""] = cookie.split(";");
    const at = pair.indexOf("=");
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
    if (value === "" || /max-age=0/i.test(cookie)) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}

const unescaped = (text: string) =>
  text
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");

let people = 0;
const randomPhone = () =>
  `2547${String(crypto.getRandomValues(new Uint32Array(1))[0])
    .padStart(8, "0")
    .slice(0, 8)}`;

export type SignedUp = {
  visitor: Visitor;
  email: string;
  password: string;
  phone: string;
  /** The default key, as the page showed it. */
  key: string;
  keyId: number;
  merchantId: number;
};

/** Somebody who has just signed up, in their own browser. */
export async function signUp(
  with_: Partial<Record<"name" | "email" | "phone" | "password", string>> = {},
  bindings: Record<string, unknown> = {},
) {
  const visitor = new Visitor(bindings);
  const person = {
    name: "Mama Njeri's Kitchen",
    email: `njeri${++people}.${crypto.randomUUID().slice(0, 8)}@duka.co.ke`,
    phone: randomPhone(),
    password: "ugali na sukuma",
    ...with_,
  };
  const page = await visitor.submit("/signup", person);
  const key = /[0-9a-f]{64}/.exec(page.html)?.[0] ?? "";
  const row = await env.DB.prepare(
    `SELECT k.id AS keyId, m.id AS merchantId FROM merchants m
     JOIN users u ON u.id = m.user_id JOIN api_keys k ON k.merchant_id = m.id WHERE u.email = ?`,
  )
    .bind(person.email)
    .first<{ keyId: number; merchantId: number }>();
  return { ...person, visitor, page, key, keyId: row?.keyId ?? 0, merchantId: row?.merchantId ?? 0 };
}

/** Verifies the phone with the code that the SMS gateway was given. */
export async function verifyPhone(network: Network, { visitor, phone }: Pick<SignedUp, "visitor" | "phone">) {
  await visitor.submit("/dashboard/verify-phone", { phone });
  return visitor.submit("/dashboard/verify-phone/code", { phone, code: sentCode(network, phone) });
}

/** The six digits in the last SMS to this phone. */
export function sentCode(network: Network, phone: string): string {
  const texts = network.sent
    .filter(({ url }) => url.includes("sms.test"))
    .map(({ text }) => new URLSearchParams(text))
    .filter((fields) => fields.get("to")?.endsWith(phone.slice(-9)));
  return /\b\d{6}\b/.exec(texts.at(-1)?.get("message") ?? "")?.[0] ?? "";
}
