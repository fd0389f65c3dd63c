import { spawn } from "node:child_process";
import { expect, it } from "vitest";

/** The chaos run, so short that every change passes through it; `npm run chaos` goes on where it stops. */
it("the books hold after every kind of fault, forged callbacks and a killed gateway", {
  timeout: 1_200_000,
}, async () => {
  const args = ["scripts/chaos/run.mjs", "--seed", "7", "--payments", "30", "--kills", "1"];
  const child = spawn(process.execPath, args);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  const code = await new Promise<number | null>((done) => child.once("exit", done));
  expect(output.trim().split("\n").at(-1), output).toBe("chaos: 30 payments, 0 violations");
  expect(code).toBe(0);
});
