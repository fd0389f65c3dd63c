import { document } from "./openapi.ts";

/** An operation of the API as its document tells it. */
export type Operation = {
  id: string;
  method: string;
  /** With its parameters in braces. */
  path: string;
  /** The codes of its 403, 404 and so on. */
  codes: string[];
  // biome-ignore lint/suspicious/noExplicitAny: the document is read as JSON, without types
  spec: any;
};

// biome-ignore lint/suspicious/noExplicitAny: as above
const resolved = (value: any): any =>
  value?.$ref
    ? value.$ref
        .slice(2)
        .split("/")
        .reduce((at: object, name: string) => Reflect.get(at, name), document)
    : value;

/** Every operation of the document: a route that is added is in what is made of these too. */
export const operations: Operation[] = Object.entries<object>(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, spec]) => ({
    id: spec.operationId,
    method: method.toUpperCase(),
    path,
    codes: Object.values<object>(spec.responses).flatMap((response) =>
      Object.keys(resolved(response).content["application/json"].examples ?? {}),
    ),
    spec,
  })),
);

/** The body that the document shows for the operation; undefined for one that takes none. */
export const exampleOf = ({ spec }: Operation) =>
  structuredClone(spec.requestBody?.content["application/json"].example);

/** Text that can be sent in a body, by where it stands: a member, an element of a list, a name of a member. */
export type TextField = {
  operation: Operation;
  /** The members on the way; `*` for any of a record or list, `name of` before one for a record's names. */
  name: string;
  /** A valid body with `text` there. */
  bodyWith: (text: unknown) => Record<string, unknown>;
};

// biome-ignore lint/suspicious/noExplicitAny: JSON Schema, without types
const takesText = (schema: any): boolean => [schema?.type].flat().includes("string") || schema?.enum;

/** Every text of an operation's body. `sample` gives the value of what a union's example leaves out. */
export function textFields(operation: Operation, sample: Record<string, unknown>): TextField[] {
  const body = operation.spec.requestBody?.content["application/json"];
  if (!body) return [];
  const { anyOf, oneOf } = resolved(body.schema);
  const variants = anyOf ?? oneOf ?? [body.schema];
  return variants.flatMap((variant: object) => {
    const { properties = {}, required = [] } = resolved(variant);
    const isOne = variants.length === 1;
    const own = isOne
      ? exampleOf(operation)
      : Object.fromEntries(required.map((name: string) => [name, properties[name].const ?? sample[name]]));
    const of = isOne ? "" : `${Object.values(own)[0]}: `;
    return Object.entries(properties).flatMap(([name, declared]) => {
      const schema = resolved(declared);
      const options = [schema, ...(schema.anyOf ?? []).map(resolved)];
      const isText = options.some((option) => takesText(option) || typeof option.const === "string");
      const withValue = (make: (text: unknown) => unknown) => (text: unknown) => ({
        ...own,
        [name]: make(text),
      });
      const fields: TextField[] = [];
      const add = (of_: string, make: (text: unknown) => unknown) =>
        fields.push({ operation, name: `${of}${of_}`, bodyWith: withValue(make) });
      if (isText) add(name, (text) => text);
      if (options.some((option) => option.items)) add(`${name}.*`, (text) => [text, "0712345678"]);
      if (options.some((option) => option.additionalProperties)) {
        add(`${name}.*`, (text) => ({ order: text }));
        add(`name of ${name}.*`, (text) => Object.fromEntries([[String(text), "1"]]));
      }
      return fields;
    });
  });
}
