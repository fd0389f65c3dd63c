import { Validator } from "@cfworker/json-schema";
import { expect } from "vitest";
import { buildDocument } from "../../src/docs/document.ts";

// biome-ignore lint/suspicious/noExplicitAny: the document is read as JSON, without types
export const document: any = JSON.parse(JSON.stringify(buildDocument("http://localhost:8787", true)));

type Asked = { method: string; path: string; status: number; headers: Headers; body: unknown };

const patterns: [RegExp, string][] = Object.keys(document.paths)
  .sort((a, b) => a.split("{").length - b.split("{").length)
  .map((path) => [new RegExp(`^${path.replace(/\/$/, "").replace(/\{\w+\}/g, "[^/]+")}/?$`), path]);

// biome-ignore lint/suspicious/noExplicitAny: as above
const resolve = (value: any) =>
  value?.$ref
    ? value.$ref
        .slice(2)
        .split("/")
        .reduce((at: object, key: string) => Reflect.get(at, key), document)
    : value;

const validators = new Map<object, Validator>();

export function faultsOf(schema: object, value: unknown): string[] {
  let validator = validators.get(schema);
  if (!validator) {
    // Its references name the document's components.
    const rooted = JSON.stringify({ ...schema, $defs: document.components.schemas });
    validator = new Validator(
      JSON.parse(rooted.replaceAll("#/components/schemas/", "#/$defs/")),
      "2020-12",
      false,
    );
    validators.set(schema, validator);
  }
  return validator.validate(value).errors.map((fault) => `${fault.instanceLocation} ${fault.error}`);
}

/** Holds an answer of the API to its document: status, body to the letter, error code and headers. */
export function expectDocumented({ method, path, status, headers, body }: Asked): void {
  const { pathname } = new URL(path, "http://localhost");
  const type = headers.get("Content-Type")?.split(";")[0];
  if (!pathname.startsWith("/v1/") || !type?.endsWith("json") || body === "") return;
  const what = `${method} ${pathname} ${status}`;
  const found = patterns.find(([pattern]) => pattern.test(pathname))?.[1];
  const operation = found && document.paths[found][method.toLowerCase()];
  if (!operation) {
    expect(["NOT_FOUND", "IP_RATE_LIMIT"], what).toContain(Reflect.get(Object(body), "error_code"));
    return;
  }
  const response = resolve(operation.responses[status]);
  expect(response, `${what} is not documented: ${JSON.stringify(body)}`).toBeDefined();
  const content = response.content[type];
  expect(content, `${what} is not documented as ${type}`).toBeDefined();
  expect(faultsOf(content.schema, body), `${what}: ${JSON.stringify(body)}`).toEqual([]);
  if (status >= 400) {
    const codes = Object.keys(response.content["application/json"].examples);
    expect(codes, what).toContain(Reflect.get(Object(body), "error_code"));
  }
  for (const name of headers.keys()) {
    const isOurs = /^(x-r|ratelimit|retry-after|idempotent-|preference-)/.test(name);
    const named = Object.keys(response.headers).map((known) => known.toLowerCase());
    if (isOurs) expect(named, `${what} has the header ${name}`).toContain(name);
  }
}
