import { execFile } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** A gateway that takes whatever an operator asks, and keeps the token that came with it. */
const asked: { path: string; token: string }[] = [];
const server: Server = createServer((request, response) => {
  asked.push({ path: request.url ?? "", token: request.headers.authorization ?? "" });
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify({ success: true, message: "Done.", link: "a link", entries: 0 }));
});
let gateway: string;
beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  gateway = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // listening on TCP
});
afterAll(() => {
  server.close();
});

function run(script: string, args: string[], env: Record<string, string>) {
  return new Promise<{ code: number; output: string }>((done) => {
    const { OPERATOR_TOKEN: _, GATEWAY_URL: __, ...inherited } = process.env;
    execFile(
      "node",
      [`scripts/${script}.mjs`, ...args],
      { env: { ...inherited, ...env } },
      (error, out, err) => done({ code: error ? 1 : 0, output: out + err }),
    );
  });
}

const JANE = ["--email", "jane@example.com"];

describe.each([
  ["operator-create", [...JANE, "--name", "Jane"]],
  ["operator-remove", [...JANE, "--reason", "Has left."]],
  ["ledger-verify", []],
])("%s", (script, args) => {
  it("says on which gateway it acts", async () => {
    const { code, output } = await run(script, args, { GATEWAY_URL: gateway, OPERATOR_TOKEN: "theirs" });
    expect([code, output.split("\n")[0]]).toEqual([0, `On the gateway ${gateway}`]);
    expect(asked.at(-1)?.token).toBe("Bearer theirs");
  });

  it("acts on the environment's own address, and there with its own token alone", async () => {
    const before = asked.length;
    const { code, output } = await run(script, [...args, "--env", "production"], { GATEWAY_URL: gateway });
    expect([code, output.trim().split("\n")]).toEqual([
      1,
      ["On the gateway https://pay.example.com", "Set OPERATOR_TOKEN to that of https://pay.example.com."],
    ]);
    expect(asked).toHaveLength(before);
  });
});
