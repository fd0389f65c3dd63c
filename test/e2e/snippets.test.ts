import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { promisify } from "node:util";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasPhp } from "./sdk/clients.ts";
import { eventually, newStateDir, type Running, removeStateDir, start } from "./support/running.ts";

const run = promisify(execFile);
const stateDir = newStateDir();
let running: Running;

beforeAll(async () => {
  const LIMITS = '{"phone_pushes":100,"key_minute":6000}';
  running = await start({ stateDir, env: { TIME_SCALE: "15", LIMITS } });
});

afterAll(async () => {
  await running?.stop();
  removeStateDir(stateDir);
});

const COMMANDS: Record<string, [string, ...string[]]> = {
  sh: ["sh", "-e"],
  mjs: [process.execPath],
  py: ["python3"],
  php: ["php"],
};

/** Where CI runs, everything has to; elsewhere what needs PHP is shown as skipped without it. */
const withPhp = it.skipIf(!hasPhp && !process.env.CI);
const SECRET = "whsec_c2l4dGVlbiBvciBtb3JlIGJ5dGVz";
const BODY = '{"Body":{"stkCallback":{"ResultCode":0}}}';

function signed() {
  const sentAt = new Date();
  const signature = new Webhook(SECRET).sign("wh_1", sentAt, BODY);
  const timestamp = String(Math.floor(sentAt.getTime() / 1_000));
  return {
    "webhook-id": "wh_1",
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,AAAA ${signature}`,
  };
}

const ENTITIES: Record<string, string> = { lt: "<", gt: ">", quot: '"', "#39": "'", amp: "&" };
const unescaped = (html: string) =>
  html.replace(/&(lt|gt|quot|#39|amp);/g, (_, name) => ENTITIES[name] ?? "");

/** Runs a snippet with the demo key, as a reader does. */
async function output(name: string, env: Record<string, string> = {}): Promise<string> {
  const [command, ...args] = COMMANDS[name.split(".").at(-1) ?? ""] ?? ["false"];
  const settings = { SMARTPAY_URL: running.gateway, SMARTPAY_KEY: running.key, KEY_ID: "1", ...env };
  const { stdout } = await run(command, [...args, `docs/snippets/${name}`], {
    env: { ...process.env, ...settings },
  });
  return stdout.trim();
}

describe("what the documentation shows", () => {
  it.each(["push.mjs", "push.py"])("%s sends a push", async (name) => {
    expect(await output(name)).toMatch(/^ws_CO_\w+$/);
  });

  withPhp("push.php sends a push", async () => {
    expect(await output("push.php")).toMatch(/^ws_CO_\w+$/);
  });

  it.each(["push.mjs", "push.py"])("%s run again asks for another payment", async (name) => {
    expect(await output(name)).not.toBe(await output(name));
  });

  it("push.sh run again asks for another payment", async () => {
    const pushed = async () => JSON.parse(await output("push.sh")).checkout_request_id;
    const first = await pushed();
    // Its key is of the second in which it runs.
    expect(await eventually(pushed, (again) => again !== first)).toMatch(/^ws_CO_/);
  });

  withPhp("push.php run again asks for another payment", async () => {
    expect(await output("push.php")).not.toBe(await output("push.php"));
  });

  it("brings a webhook where the quickstart is followed line by line", async () => {
    const page = await (await fetch(`${running.gateway}/docs`)).text();
    const blocks = [...page.matchAll(/<code>([^<]+)<\/code><\/pre>/g)].map(([, html = ""]) =>
      unescaped(html),
    );
    const env: NodeJS.ProcessEnv = { ...process.env };
    /** What a reader puts in the place of a placeholder. */
    const found: Record<string, string> = { YOUR_API_KEY: running.key };
    const own = async (path: string, method = "GET") => {
      const headers = { Authorization: `Bearer ${running.key}` };
      return (await fetch(`${running.gateway}/v1/${path}`, { method, headers })).json();
    };
    let transaction = "";
    for (const block of blocks.filter((text) => /^(?:export|curl) /.test(text))) {
      for (const [, name = "", value = ""] of block.matchAll(/^export (\w+)=(.*)$/gm)) {
        env[name] = found[value] ?? value;
      }
      if (!block.startsWith("curl ")) continue;
      const answer = JSON.parse((await run("sh", ["-c", block], { env })).stdout);
      expect(answer, block).toMatchObject({ success: true });
      if (answer.account?.api_key) {
        const { id, api_key } = answer.account;
        Object.assign(found, { YOUR_KEY_ID: String(id), YOUR_NEW_API_KEY: api_key });
      }
      if (block.includes("/subscription")) {
        await eventually(
          () => own(`keys/${env.KEY_ID}`),
          ({ account }) => account.active,
        );
      }
      if (block.includes("/stk/push")) transaction = answer.transaction_id;
    }
    const told = await eventually(
      () => own("webhooks"),
      ({ webhooks }) =>
        webhooks.some((webhook: { transaction_id: string }) => webhook.transaction_id === transaction),
    );
    expect(transaction).toMatch(/^tx_/);
    expect(told.success).toBe(true);
    await own(`keys/${env.KEY_ID}`, "DELETE"); // its name is free again for the snippets below
  });

  const CALLS = readdirSync("docs/snippets").filter((name) => name.endsWith(".sh"));
  // A withdrawal needs money in the wallet, a status needs a payment: both follow below.
  it.each(CALLS.filter((name) => !["withdraw.sh", "status.sh"].includes(name)))(
    "%s succeeds",
    async (name) => {
      expect(JSON.parse(await output(name))).toMatchObject({ success: true });
    },
  );

  it("asks for the payment, lists it and withdraws what it brought", async () => {
    const { checkout_request_id: id } = JSON.parse(await output("push.sh"));
    const ask = async () => JSON.parse(await output("status.sh", { CHECKOUT_REQUEST_ID: id })).transaction;
    while ((await ask()).status === "pending") await new Promise((done) => setTimeout(done, 200));
    expect(await ask()).toMatchObject({ status: "completed", amount: 150 });
    expect(await output("list.mjs")).toContain("254700000000");
    expect(JSON.parse(await output("withdraw.sh"))).toMatchObject({ withdrawal: { amount: 100 } });
  });

  it("tells a genuine webhook from a forged one", async () => {
    const { isGenuine } = await import(new URL("../../docs/snippets/verify.mjs", import.meta.url).href);
    expect(isGenuine(signed(), BODY, SECRET)).toBe(true);
    expect(isGenuine(signed(), `${BODY} `, SECRET)).toBe(false);
    const python = `import sys, json; sys.path.insert(0, "docs/snippets"); from verify import is_genuine
h, b, s = json.loads(sys.argv[1]); print(is_genuine(h, b.encode(), s), is_genuine(h, b.encode() + b" ", s))`;
    const asked = JSON.stringify([signed(), BODY, SECRET]);
    const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
    expect((await run("python3", ["-c", python, asked], { env })).stdout.trim()).toBe("True False");
  });

  withPhp("tells a genuine webhook from a forged one in PHP", async () => {
    const asked = JSON.stringify([signed(), BODY, SECRET]);
    const php = `require "docs/snippets/verify.php"; [$h, $b, $s] = json_decode($argv[1], true);
      echo json_encode([is_genuine($h, $b, $s), is_genuine($h, $b . " ", $s)]);`;
    expect((await run("php", ["-r", php, asked])).stdout).toBe("[true,false]");
  });
});
