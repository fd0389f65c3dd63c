import type { buildDocument } from "../document.ts";
import type { DocsPage } from "../layout.tsx";
import { Json, Prose } from "../parts.tsx";

type Document = ReturnType<typeof buildDocument>;
// The parts of the document that are read here: it is our own, made just before.
type Schema = {
  $ref?: string;
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  anyOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  description?: string;
  items?: Schema;
};
type Parameter = {
  $ref?: string;
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  example?: string;
};
type Content = { "application/json"?: { schema?: Schema; example?: unknown } };
type Operation = {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  deprecated?: boolean;
  parameters?: Parameter[];
  requestBody?: { content: Content };
  responses: Record<string, { $ref?: string; description?: string; content?: Content }>;
};

/** The page that shows the document itself; with a script, its requests can be tried. */
export function referenceOf(document: Document): DocsPage {
  const paths = document.paths as unknown as Record<string, Record<string, Operation>>; // as above
  const all = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const resolve = <T extends { $ref?: string }>(value: T): T =>
    value.$ref
      ? (value.$ref
          .slice(2)
          .split("/")
          .reduce((at: object, name) => Reflect.get(at, name), document) as T) // the document's own reference
      : value;
  const typeOf = (schema: Schema): string => {
    if (schema.$ref) return schema.$ref.split("/").at(-1) ?? "";
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
    if (schema.anyOf) return schema.anyOf.map(typeOf).join(" | ");
    if (schema.type === "array" && schema.items) return `${typeOf(schema.items)}[]`;
    return [schema.type ?? "any"].flat().join(" | ");
  };

  const Fields = ({ schema }: { schema: Schema }) => {
    const { properties = {}, required = [] } = resolve(schema);
    return (
      <ul>
        {Object.entries(properties).map(([name, field]) => (
          <li>
            <code>{name}</code>{" "}
            <small>{`${typeOf(field)}${required.includes(name) ? "" : ", optional"}`}</small>{" "}
            {field.description ? <Prose>{field.description}</Prose> : null}
          </li>
        ))}
      </ul>
    );
  };
  const Body = ({ schema }: { schema: Schema }) =>
    (resolve(schema).anyOf ?? [schema]).map((variant) => <Fields schema={variant} />);

  const Operations = ({ tag }: { tag: string }) =>
    all
      .filter(({ operation }) => operation.tags.includes(tag))
      .map(({ path, method, operation }) => {
        const parameters = (operation.parameters ?? []).map((parameter) => resolve(parameter));
        const body = operation.requestBody?.content["application/json"];
        const [success] = Object.entries(operation.responses);
        const answer = success?.[1].content?.["application/json"];
        const failures = Object.entries(operation.responses)
          .filter(([status]) => Number(status) >= 400)
          .flatMap(([, response]) => [...(resolve(response).description ?? "").matchAll(/^`(\w+)`/gm)])
          .map(([, code = ""]) => code);
        return (
          <details class="operation" id={operation.operationId}>
            <summary>
              <span class="badge verb">{method}</span> <code>{path}</code> <span>{operation.summary}</span>
            </summary>
            <div>
              {operation.description ? (
                <p>
                  <Prose>{operation.description}</Prose>
                </p>
              ) : null}
              {operation.deprecated ? <p class="note">For clients of earlier days.</p> : null}
              {parameters.length > 0 ? (
                <>
                  <h3>Parameters</h3>
                  <ul>
                    {parameters.map(({ name, in: place, required, description }) => (
                      <li>
                        <code>{name}</code> <small>{`${place}${required ? "" : ", optional"}`}</small>{" "}
                        {description ? <Prose>{description}</Prose> : null}
                      </li>
                    ))}
                  </ul>
                </>
              ) : null}
              {body?.schema ? (
                <>
                  <h3>Body</h3>
                  <Body schema={body.schema} />
                  <Json value={body.example} />
                </>
              ) : null}
              <h3>{`Answer ${success?.[0] ?? ""}`}</h3>
              {answer?.example ? (
                <Json value={answer.example} />
              ) : answer?.schema ? (
                <Body schema={answer.schema} />
              ) : null}
              <p>
                Errors:{" "}
                {failures.map((code) => (
                  <>
                    <a href={`/docs/errors#${code}`}>{code}</a>{" "}
                  </>
                ))}
              </p>
              <form class="try" hidden data-path={path} data-method={method}>
                {parameters.map(({ name, in: place, example }) => (
                  <label>
                    {name}
                    <input name={name} data-in={place} autocomplete="off" placeholder={example} />
                  </label>
                ))}
                {body ? (
                  <label>
                    Body
                    <textarea rows={6} spellcheck={false}>
                      {JSON.stringify(body.example, null, 2)}
                    </textarea>
                  </label>
                ) : null}
                <button type="submit">Try it</button>
              </form>
              <pre tabindex={0} hidden aria-live="polite" />
            </div>
          </details>
        );
      });

  const tags = [...new Set(all.flatMap(({ operation }) => operation.tags))];
  return {
    path: "reference",
    title: "Reference",
    lead: "Every call of the API, made of the document that its answers are tested against.",
    Body: () => (
      <>
        <p>
          For tools: <a href="/openapi.json">openapi.json</a>
        </p>
        <form id="key-form" hidden>
          <label>
            Your API key, for trying calls out. It stays in this page.
            <input id="key" type="password" autocomplete="off" spellcheck={false} />
          </label>
        </form>
        {tags.map((tag) => (
          <section>
            <h2>{tag}</h2>
            <Operations tag={tag} />
          </section>
        ))}
      </>
    ),
  };
}
