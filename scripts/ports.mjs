// Ports of this machine.
import { randomInt } from "node:crypto";
import net from "node:net";

/** Below those that Linux gives to outgoing connections, any of which could hold a port that was free a moment ago. */
const OURS = { from: 20_000, to: 26_000 };
/** So far above a port lies its twin, on which whoever was given the port listens until its process ends. */
const TWIN = 6_000;

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

/**
 * A port that nobody listens on, and that nobody else is given, in this process or in another: seconds pass until
 * the server for it is up.
 */
export async function freePort() {
  for (;;) {
    const port = randomInt(OURS.from, OURS.to);
    const claim = net.createServer().unref();
    const isOurs = await new Promise((done) => {
      claim.once("error", () => done(false));
      claim.listen(port + TWIN, "127.0.0.1", () => done(true));
    });
    if (isOurs && (await isFree(port))) return port;
    claim.close();
  }
}
