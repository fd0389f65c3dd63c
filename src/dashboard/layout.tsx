import { html } from "hono/html";
import type { Child } from "hono/jsx";
import type { PageContext } from "./context.ts";

type DocumentProps = { title: string; children: Child };

const Document = ({ title, children }: DocumentProps) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <meta
        name="htmx-config"
        content='{"includeIndicatorCSS":false,"morphIgnore":["data-htmx-powered","open"]}'
      />
      <title>{`${title} · SmartPay`}</title>
      <link rel="icon" href="data:," />
      <link rel="stylesheet" href="/assets/dashboard.css" />
      <script src="/assets/htmx.js" defer />
      <script src="/assets/dashboard.js" defer />
    </head>
    <body class="min-h-screen text-base-content">
      <a class="sr-only focus:not-sr-only focus:absolute focus:p-3" href="#main">
        Skip to the page
      </a>
      {children}
    </body>
  </html>
);

export const Brand = ({ href = "/" }: { href?: string }) => (
  <a class="flex items-center gap-2 text-lg font-semibold tracking-tight" href={href}>
    <span class="inline-block size-3 rounded-full bg-primary" aria-hidden="true" />
    SmartPay
  </a>
);

/** A page for somebody who is not signed in: one card in the middle. */
export const CardPage = ({ title, children }: DocumentProps) => (
  <Document title={title}>
    <div class="mx-auto flex min-h-screen w-full max-w-md flex-col px-4 py-6 sm:py-12">
      <header class="mb-6 flex items-center justify-between">
        <Brand />
        <a class="quiet-link text-sm" href="/docs">
          Documentation
        </a>
      </header>
      <main id="main" tabindex={-1} class="panel outline-none sm:p-8">
        {children}
      </main>
    </div>
  </Document>
);

export type NavItem = { href: string; label: string };

const MERCHANT_NAV: NavItem[] = [
  { href: "/dashboard", label: "Home" },
  { href: "/dashboard/payments", label: "Payments" },
  { href: "/dashboard/api", label: "API" },
  { href: "/dashboard/wallet", label: "Wallet" },
  { href: "/dashboard/sms", label: "SMS" },
  { href: "/dashboard/plan", label: "Plan" },
  { href: "/dashboard/settings", label: "Settings" },
];

const isAt = (path: string, { href }: NavItem, home: string) =>
  href === home ? path === home : path === href || path.startsWith(`${href}/`);

type FrameProps = DocumentProps & { path: string; nav: NavItem[]; home: string; who: string };

/** The frame of all pages behind a sign-in: links at the side, or in a menu on a phone. */
export const Frame = ({ title, path, nav, home, who, children }: FrameProps) => {
  const links = nav.map((item) => (
    <li>
      <a
        href={item.href}
        aria-current={isAt(path, item, home) ? "page" : undefined}
        class={isAt(path, item, home) ? "bg-secondary font-medium text-secondary-content" : ""}
      >
        {item.label}
      </a>
    </li>
  ));
  const signOut = (
    <form method="post" action="/logout">
      <button class="btn btn-ghost btn-sm" type="submit">
        Sign out
      </button>
    </form>
  );
  return (
    <Document title={title}>
      <header class="flex items-center justify-between gap-3 border-b border-base-300 bg-base-100 px-4 py-2.5 lg:hidden">
        <Brand href={home} />
        <details class="dropdown dropdown-end">
          <summary class="btn btn-ghost btn-sm">Menu</summary>
          <div class="dropdown-content z-10 mt-2 w-56 rounded-box border border-base-300 bg-base-100 p-2 shadow-lg">
            <nav aria-label="Pages">
              <ul class="menu w-full p-0">{links}</ul>
            </nav>
            <div class="mt-2 border-t border-base-300 pt-2">{signOut}</div>
          </div>
        </details>
      </header>
      <div class="mx-auto flex max-w-7xl">
        <aside class="sticky top-0 hidden h-screen w-56 shrink-0 flex-col border-r border-base-300 p-4 lg:flex">
          <div class="mb-6 px-3 pt-1">
            <Brand href={home} />
          </div>
          <nav aria-label="Pages">
            <ul class="menu w-full gap-0.5 p-0">{links}</ul>
          </nav>
          <div class="mt-auto px-3 text-sm">
            <p class="soft mb-2">{who}</p>
            <p class="mb-2">
              <a class="quiet-link" href="/docs">
                Documentation
              </a>
            </p>
            {signOut}
          </div>
        </aside>
        <main id="main" tabindex={-1} class="min-w-0 grow px-4 py-6 outline-none sm:px-6 lg:px-8 lg:py-8">
          {children}
        </main>
      </div>
    </Document>
  );
};

type Status = 200 | 400 | 403 | 404 | 409 | 429 | 500 | 503;

/** A page of the merchant's. */
export function merchantPage(c: PageContext, title: string, children: Child, status: Status = 200) {
  const { path } = c.req;
  return show(
    c,
    <Frame title={title} path={path} nav={MERCHANT_NAV} home="/dashboard" who={c.var.merchant.fullname}>
      {children}
    </Frame>,
    status,
  );
}

export const show = (c: PageContext, page: Child, status: Status = 200) =>
  c.html(html`<!doctype html>${page}`, status);
