import { describe, expect, it } from "vitest";
import { createApp } from "../../src/app.ts";
import { ERRORS } from "../../src/errors.ts";
import { request } from "../support/gateway.ts";
import { document, faultsOf } from "../support/openapi.ts";

// biome-ignore lint/suspicious/noExplicitAny: the document is read as JSON, without types
const operations: [string, any][] = Object.entries<object>(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]): [string, unknown] => [
    `${method.toUpperCase()} ${path.replace(/\/$/, "")}`,
    operation,
  ]),
);

describe("the OpenAPI document", () => {
  it("has every route of the API, and no other", () => {
    const routes = createApp()
      .routes.filter(({ method, path }) => method !== "ALL" && path.startsWith("/v1/"))
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}").replace(/\/$/, "")}`);
    expect(operations.map(([name]) => name).sort()).toEqual([...new Set(routes)].sort());
  });

  it("names each operation once, and what may call it", () => {
    const ids = operations.map(([, { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [name, { security }] of operations) {
      expect(security, name).toEqual(name === "GET /v1/ping" ? [] : [{ bearer: [] }, { apiKey: [] }]);
    }
  });

  it("has every error code, in its own status alone", () => {
    expect(document.components.schemas.ErrorCode.enum).toEqual(Object.keys(ERRORS));
    expect(Object.keys(document.components.examples)).toEqual(Object.keys(ERRORS));
    const told = new Set<string>();
    for (const [, { responses }] of operations) {
      for (const [status, { $ref }] of Object.entries<{ $ref?: string }>(responses)) {
        const response = $ref && document.components.responses[$ref.split("/").at(-1) ?? ""];
        if (!response) continue;
        for (const code of Object.keys(response.content["application/json"].examples)) {
          expect(ERRORS).toHaveProperty([code, "status"], Number(status));
          told.add(code);
        }
      }
    }
    // The pages for people, and the operator's API, have errors of their own.
    expect(Object.keys(ERRORS).filter((code) => !told.has(code))).toEqual([
      "TOO_MANY_TRIES",
      "CROSS_SITE_REQUEST",
      "ERASURE_REFUSED",
      "LEDGER_BROKEN",
      "RULING_CONFLICT",
    ]);
  });

  it("has examples that fit their schemas", () => {
    const webhook = document.webhooks.paymentResult.post;
    for (const [name, operation] of [...operations, ["webhook", webhook] as const]) {
      for (const of of [operation.requestBody, ...Object.values<object>(operation.responses)]) {
        const { schema, example } = of?.content?.["application/json"] ?? {};
        if (example) expect(faultsOf(schema, example), name).toEqual([]);
      }
    }
  });

  it("is served to everybody, once made, and not again to those who have it", async () => {
    const { status, headers, body } = await request("/openapi.json");
    expect([status, body.openapi, body.servers]).toEqual([200, "3.1.1", [{ url: "http://localhost:8787" }]]);
    expect(headers.get("Access-Control-Allow-Origin")).toBe("*");
    expect(headers.get("Cache-Control")).toContain("max-age=3600");
    expect(JSON.stringify(body)).not.toContain('"additionalProperties":false');
    const again = await request("/openapi.json", { headers: { "If-None-Match": headers.get("ETag") ?? "" } });
    expect(again.status).toBe(304);
  });
});
