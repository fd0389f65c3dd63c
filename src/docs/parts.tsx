import type { Child } from "hono/jsx";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../lib/clock.ts";

export const whole = (value: number) => value.toLocaleString("en-KE");

const UNITS = [
  [HOUR_MS, "hours"],
  [MINUTE_MS, "minutes"],
  [SECOND_MS, "seconds"],
] as const;

/** In the largest unit of which there are two or more: `60 seconds`, `5 minutes`, `24 hours`. */
export function spoken(ms: number): string {
  const [unit, name] = UNITS.find(([unit]) => ms >= 2 * unit && ms % unit === 0) ?? [SECOND_MS, "seconds"];
  return `${whole(ms / unit)} ${name}`;
}

/** `a, b and c` */
export const listed = (texts: string[]) => new Intl.ListFormat("en-GB").format(texts);

export const Code = ({ children }: { children: string }) => (
  // A long line is scrolled with the keyboard too.
  <pre tabindex={0}>
    <code>{children.trimEnd()}</code>
  </pre>
);

export const Json = ({ value }: { value: unknown }) => <Code>{JSON.stringify(value, null, 2)}</Code>;

/** The same in several languages, one open at a time, without a script. */
export function Snippet({ name, of }: { name: string; of: Record<string, string> }) {
  const entries = Object.entries(of);
  if (entries.length === 1) return entries.map(([, text]) => <Code>{text}</Code>);
  return (
    <div class="languages">
      {entries.map(([language, text], i) => (
        <details name={name} open={i === 0}>
          <summary>{language}</summary>
          <Code>{text}</Code>
        </details>
      ))}
    </div>
  );
}

export const Table = ({ heads, rows }: { heads: string[]; rows: Child[][] }) => (
  <section class="table" tabindex={0} aria-label={heads.join(", ")}>
    <table>
      <thead>
        <tr>
          {heads.map((head) => (
            <th scope="col">{head}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr>
            {row.map((cell) => (
              <td>{cell}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </section>
);

export const Note = ({ children }: { children: Child }) => <p class="note">{children}</p>;

/** Text in which `this` is code. */
export const Prose = ({ children }: { children: string }) =>
  children.split(/`([^`]+)`/).map((part, i) => (i % 2 === 1 ? <code>{part}</code> : part));
