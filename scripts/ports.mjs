// Ports of this machine.
import { randomInt } from "node:crypto";
import net from "node:net";

/** Below those that Linux gives to outgoing connections, any of which could hold a port that was free a moment ago. */
const OURS = { from: 20_000, to: 32_000 };

export async function isFree(port) {
  for (const host of ["127.0.0.1", "::1"]) {
    const server = net.createServer();
    const error = await new Promise((done) => {
      server.once("error", done);
      server.listen(port, host, () => done(undefined));
    });
    await new Promise((done) => server.close(done));
    if (error?.code === "EADDRINUSE") return false;
  }
  return true;
}

/** A port that nobody listens on. */
export async function freePort() {
  for (;;) {
    const port = randomInt(OURS.from, OURS.to);
    if (await isFree(port)) return port;
  }
}
