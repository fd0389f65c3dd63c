import openapiTS, { astToString } from "openapi-typescript";
import { buildDocument } from "../../../src/docs/document.ts";

const HEADING = `/**
 * The gateway's OpenAPI document as types, and as a table of its calls. Written by \`npm run sdk:types\`;
 * a test holds it to the document. Calls of earlier days are left out.
 */

`;

/** @returns {Array<{ method: string, path: string, operation: any }>} */
const callsOf = ({ paths }) =>
  Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([, { deprecated }]) => !deprecated)
      .map(([method, operation]) => ({ method, path, operation })),
  );

/** A call without examples, and without its own list of failures: those are one shape for all calls. */
function shortened({ responses, requestBody, ...operation }) {
  const withoutExamples = ({ headers: _, content, ...rest }) => ({
    ...rest,
    content: { "application/json": { schema: content["application/json"].schema } },
  });
  const successes = Object.entries(responses).filter(([status]) => Number(status) < 300);
  return {
    ...operation,
    ...(requestBody ? { requestBody: withoutExamples(requestBody) } : {}),
    responses: Object.fromEntries(successes.map(([status, answer]) => [status, withoutExamples(answer)])),
  };
}

function tableOf(calls) {
  const rows = calls.map(({ method, path, operation }) => {
    const takes = (name) => operation.parameters?.some(({ $ref }) => $ref?.includes(name)) ?? false;
    const row = { method: method.toUpperCase(), path, takesIdempotencyKey: takes("IdempotencyKey") };
    return `    ${operation.operationId}: ${JSON.stringify(row)},\n`;
  });
  return `export const CALLS = {\n${rows.join("")}} as const;\n`;
}

/** The module `src/openapi.ts`: types by openapi-typescript, and the table. */
export async function moduleOf(document) {
  const calls = callsOf(document);
  const paths = {};
  for (const { method, path, operation } of calls) {
    paths[path] = { ...paths[path], [method]: shortened(operation) };
  }
  const { openapi, info, components } = document;
  const { schemas, parameters } = components;
  const nodes = await openapiTS({ openapi, info, paths, components: { schemas, parameters } });
  const wanted = nodes.filter(({ name }) => ["components", "operations"].includes(name?.text));
  return HEADING + astToString(wanted) + tableOf(calls);
}

export const currentModule = () => moduleOf(buildDocument("http://localhost:8787"));
