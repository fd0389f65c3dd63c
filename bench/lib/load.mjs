// A load generator on bare sockets, so that it takes as little as it can of the machine that it measures.
import net from "node:net";
import { performance } from "node:perf_hooks";

/** The value that so many of the values do not exceed. */
export function percentile(values, share) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

/** An HTTP/1.1 request as text. The address is a made-up one each time, so that the IP limit is out of the way. */
export function httpText({ method = "GET", path, key, body }) {
  const json = body === undefined ? "" : JSON.stringify(body);
  return [
    `${method} ${path} HTTP/1.1`,
    "Host: 127.0.0.1",
    `CF-Connecting-IP: 10.${byte()}.${byte()}.${byte()}`,
    ...(key ? [`Authorization: Bearer ${key}`] : []),
    ...(json ? ["Content-Type: application/json"] : []),
    ...(json || method === "POST" ? [`Content-Length: ${Buffer.byteLength(json)}`] : []),
    "",
    json,
  ].join("\r\n");
}

const byte = () => Math.floor(Math.random() * 256);

/** One connection, one request at a time. */
export class Connection {
  constructor(port) {
    this.socket = net.connect(port, "127.0.0.1");
    this.socket.setNoDelay(true);
    this.received = Buffer.alloc(0);
    this.socket.on("data", (chunk) => {
      this.received = this.received.length ? Buffer.concat([this.received, chunk]) : chunk;
      this.take();
    });
    this.socket.on("error", (error) => this.waiting?.reject(error));
    this.socket.on("close", () => this.waiting?.reject(new Error("the connection was closed")));
  }

  /** @returns the status and the body's text. */
  send(text) {
    return new Promise((resolve, reject) => {
      if (this.socket.destroyed) throw new Error("the connection was closed");
      this.waiting = { resolve, reject };
      this.socket.write(text);
    });
  }

  take() {
    const headEnd = this.received.indexOf("\r\n\r\n");
    if (headEnd < 0 || !this.waiting) return;
    const head = this.received.toString("latin1", 0, headEnd);
    const status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    const bodyStart = headEnd + 4;
    let body;
    if (length !== undefined) {
      if (this.received.length < bodyStart + Number(length)) return;
      body = this.received.toString("utf8", bodyStart, bodyStart + Number(length));
    } else {
      if (!this.received.subarray(bodyStart).includes("0\r\n\r\n")) return;
      body = this.received.toString("utf8", bodyStart).replace(/(^|\r\n)[0-9a-f]+\r\n/g, "");
    }
    this.received = Buffer.alloc(0);
    const { resolve } = this.waiting;
    this.waiting = undefined;
    resolve({ status, body });
  }

  close() {
    this.waiting = undefined;
    this.socket.destroy();
  }
}

/**
 * Sends requests over so many connections for so long. `next` makes each; `expected` is the status that
 * all must have. @returns requests a second, and every latency in ms.
 */
export async function load({ port, connections, ms, next, expected }) {
  const latencies = [];
  const until = performance.now() + ms;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const connection = new Connection(port);
      while (performance.now() < until) {
        const sentAt = performance.now();
        const { status, body } = await connection.send(next());
        latencies.push(performance.now() - sentAt);
        if (status !== expected)
          throw new Error(`expected ${expected}, not ${status}: ${body.slice(0, 300)}`);
      }
      connection.close();
    }),
  );
  return { perSecond: (latencies.length / (performance.now() - startedAt)) * 1_000, latencies };
}
