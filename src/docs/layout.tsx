import type { Child } from "hono/jsx";
import type { Config } from "../env.ts";

/** What the pages say of this very gateway. */
export type Facts = Pick<
  Config,
  "publicBaseUrl" | "environment" | "limits" | "payoutFees" | "smsCreditPrice" | "routing" | "webhookRetryMs"
>;

export type DocsPage = {
  path: string;
  title: string;
  lead: string;
  Body: (props: { facts: Facts }) => Child;
};

const hrefOf = (path: string) => (path === "" ? "/docs" : `/docs/${path}`);

type Props = { page: DocsPage; pages: DocsPage[]; facts: Facts; hasScript?: boolean };

export function Layout({ page, pages, facts, hasScript = false }: Props) {
  const at = pages.indexOf(page);
  const neighbours = [
    { label: "Before", to: pages[at - 1] },
    { label: "Next", to: pages[at + 1] },
  ];
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="description" content={page.lead} />
        <title>{`${page.title} · SmartPay`}</title>
        <link rel="stylesheet" href="/docs/style.css" />
        {hasScript ? <script src="/docs/try-it.js" defer /> : null}
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to the text
        </a>
        <header>
          <a class="brand" href="/docs">
            SmartPay
          </a>
          <a class="to-pages" href="#pages">
            Pages
          </a>
          <a href="/docs/reference">Reference</a>
          <a class="tools" href="/openapi.json">
            OpenAPI
          </a>
        </header>
        <div class="columns">
          <nav id="pages" aria-label="Pages">
            <ul>
              {pages.map((each) => (
                <li>
                  <a href={hrefOf(each.path)} aria-current={each === page ? "page" : undefined}>
                    {each.title}
                  </a>
                </li>
              ))}
            </ul>
          </nav>
          <main id="main" tabindex={-1}>
            <h1>{page.title}</h1>
            <p class="lead">{page.lead}</p>
            {page.Body({ facts })}
            <nav class="neighbours" aria-label="Next pages">
              {neighbours.map(({ label, to }) =>
                to ? (
                  <a href={hrefOf(to.path)}>
                    <small>{label}</small> {to.title}
                  </a>
                ) : (
                  <span />
                ),
              )}
            </nav>
          </main>
        </div>
      </body>
    </html>
  );
}
