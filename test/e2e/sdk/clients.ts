import { execFile, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { readWebhook, SmartPay, SmartPayError } from "../../../sdk/typescript/src/index.ts";

const run = promisify(execFile);

export const hasPhp = await run("php", ["--version"]).then(
  () => true,
  () => false,
);

export type Settings = {
  baseUrl: string;
  apiKey: string;
  timeoutSeconds?: number;
  maxRetries?: number;
  maxRetryAfter?: number;
};

// biome-ignore lint/suspicious/noExplicitAny: what a client returned in another language, as JSON
export type Made = { value?: any; http?: any; error?: any };

/** What README names, such as `stk.push`, or `readWebhook` with body, headers and secret. */
export type Call = [name: string, args?: unknown[], options?: object];

/** One of the packages, driven the same way as the other. */
export type Client = {
  language: string;
  isHere: boolean;
  readme: string;
  /** Makes calls one after the other. A list that goes on by itself is read to its end. */
  callEach: (settings: Settings, calls: Call[]) => Promise<Made[]>;
  /** Puts a snippet of the README beside an installed package, and returns the command that runs it. */
  install: (snippet: string) => [string, ...string[]];
  /** The command that serves a snippet over HTTP. */
  serve: (snippet: string, port: number) => [string, ...string[]];
};

const newProject = () => mkdtempSync(join(tmpdir(), "smartpay-reader-"));

let typescriptProject: string | undefined;

/** A project with the package as it would be published. */
async function buildTypescript(): Promise<string> {
  const project = newProject();
  const packed = join(project, "node_modules/@smartpay/client");
  mkdirSync(packed, { recursive: true });
  cpSync("sdk/typescript/package.json", join(packed, "package.json"));
  const settings = ["-p", "sdk/typescript/tsconfig.build.json", "--outDir", join(packed, "dist")];
  await run(process.execPath, ["node_modules/typescript/bin/tsc", ...settings]);
  return project;
}

export async function prepare(): Promise<void> {
  typescriptProject = await buildTypescript();
}

const typescript: Client = {
  language: "TypeScript",
  isHere: true,
  readme: readFileSync("sdk/typescript/README.md", "utf8"),
  async callEach(settings, calls) {
    const smartpay = new SmartPay(settings);
    const made: Made[] = [];
    for (const call of calls) made.push(await make(smartpay, ...call));
    return made;
  },
  install(snippet) {
    const file = join(typescriptProject ?? "", `snippet-${Date.now()}.mjs`);
    writeFileSync(file, snippet);
    return [process.execPath, file];
  },
  serve: (snippet) => typescript.install(snippet),
};

async function make(smartpay: SmartPay, name: string, args: unknown[] = [], options?: object): Promise<Made> {
  try {
    if (name === "readWebhook") return { value: await read(args) };
    const [noun = "", verb] = name.split(".");
    const owner = verb ? Reflect.get(smartpay, noun) : smartpay;
    const given = options ? [...args, options] : args;
    const answer: object = await Reflect.apply(Reflect.get(owner, verb ?? noun), owner, given);
    if (!isIterable(answer)) return { value: answer, http: "http" in answer ? answer.http : undefined };
    const items: unknown[] = [];
    for await (const item of answer) items.push(item);
    return { value: items };
  } catch (error) {
    if (!(error instanceof SmartPayError)) throw error;
    return { error: { ...error, kind: error.name, message: error.message } };
  }
}

const isIterable = (answer: object): answer is AsyncIterable<unknown> => Symbol.asyncIterator in answer;

function read([body, headers, secret]: unknown[]) {
  // The test gives what a merchant's server would.
  const delivered = { body: body as string, headers: headers as Record<string, string> };
  return readWebhook(delivered, secret as string | string[]);
}

const php: Client = {
  language: "PHP",
  isHere: hasPhp,
  readme: readFileSync("sdk/php/README.md", "utf8"),
  async callEach(settings, calls) {
    const whole = calls.map(([name, args = [], options = {}]) => [name, args, options]);
    const asked = JSON.stringify({ settings, calls: whole });
    const { stdout } = await run("php", ["-d", "display_errors=stderr", "test/e2e/sdk/client.php", asked]);
    return JSON.parse(stdout);
  },
  install(snippet) {
    const project = newProject();
    cpSync("sdk/php", join(project, "smartpay"), { recursive: true });
    writeFileSync(join(project, "index.php"), snippet);
    return ["php", join(project, "index.php")];
  },
  serve(snippet, port) {
    const [, file = ""] = php.install(snippet);
    return ["php", "-S", `127.0.0.1:${port}`, "-t", resolve(file, "..")];
  },
};

export const CLIENTS: Client[] = [typescript, php];

/** The code blocks of a README in its own language, in order. */
export const snippetsOf = ({ readme }: Client) =>
  [...readme.matchAll(/^```(?:js|php)\n([\s\S]*?)^```$/gm)].map(([, code = ""]) => code);

export async function output([command, ...args]: [string, ...string[]], env: Record<string, string>) {
  const { stdout } = await run(command, args, { env: { ...process.env, ...env } });
  return stdout.trim();
}

/** A server that a snippet is: what it has printed, and how to end it. */
export function serving([command, ...args]: [string, ...string[]], env: Record<string, string>) {
  const child = spawn(command, args, { env: { ...process.env, ...env } });
  let text = "";
  let wake = () => {};
  const keep = (chunk: unknown) => {
    text += chunk;
    wake();
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  return {
    async printed(what: string): Promise<void> {
      while (!text.includes(what)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    stop: () => child.kill(),
  };
}
