import { buildDocument } from "./document.ts";
import { type DocsPage, type Facts, Layout } from "./layout.tsx";
import { clients } from "./pages/clients.tsx";
import { sms, webhooks } from "./pages/events.tsx";
import { account, destinations, keys, payments, transactions } from "./pages/money.tsx";
import { live, testing } from "./pages/practice.tsx";
import { referenceOf } from "./pages/reference.tsx";
import { errors, idempotency, limits, results } from "./pages/rules.tsx";
import { authentication, quickstart } from "./pages/start.tsx";

const GUIDES = [
  quickstart,
  authentication,
  clients,
  keys,
  payments,
  destinations,
  webhooks,
  transactions,
  sms,
  account,
  errors,
  results,
  limits,
  idempotency,
  testing,
  live,
];

let made: { baseUrl: string; pages: DocsPage[] } | undefined;

/** In reading order. */
export function allPages(baseUrl: string): DocsPage[] {
  if (made?.baseUrl !== baseUrl) {
    made = { baseUrl, pages: [...GUIDES, referenceOf(buildDocument(baseUrl))] };
  }
  return made.pages;
}

export const render = (page: DocsPage, pages: DocsPage[], facts: Facts): string =>
  `<!doctype html>${(<Layout page={page} pages={pages} facts={facts} hasScript={page.path === "reference"} />).toString()}`;
