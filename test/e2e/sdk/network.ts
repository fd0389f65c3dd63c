import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export type Seen = { method: string; path: string; headers: IncomingHttpHeaders; body: string; at: number };

/** What befalls one request: its answer is lost on the way back, or somebody else answers. */
export type Mishap = "lost" | { status: number; headers?: Record<string, string>; body?: string };

/** What lies between a client and the gateway; without a gateway it answers everything itself. */
export class Network {
  readonly seen: Seen[] = [];
  /** Of the next requests, in order. */
  mishaps: Mishap[] = [];
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async open(target?: string): Promise<Network> {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo; // listening on TCP
    const network = new Network(server, `http://127.0.0.1:${port}`);
    server.on("request", async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      const { method = "GET", url: path = "/", headers } = request;
      network.seen.push({ method, path, headers, body, at: Date.now() });
      const mishap = network.mishaps.shift();
      if (mishap && mishap !== "lost") {
        response.writeHead(mishap.status, mishap.headers).end(mishap.body);
        return;
      }
      const { status, ...answer } = await answerOf(target, { method, path, headers, body });
      if (mishap === "lost") request.socket.destroy();
      else response.writeHead(status, answer.headers).end(answer.text);
    });
    return network;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

async function answerOf(target: string | undefined, request: Omit<Seen, "at">) {
  if (target === undefined) {
    const text = JSON.stringify({ success: true, has_more: false, next_cursor: null });
    return { status: 200, headers: { "Content-Type": "application/json" }, text };
  }
  const own = Object.entries(request.headers).filter(
    ([name]) => !["host", "connection", "content-length"].includes(name),
  );
  const response = await fetch(`${target}${request.path}`, {
    method: request.method,
    headers: Object.fromEntries(own.map(([name, value]) => [name, String(value)])),
    ...(request.body ? { body: request.body } : {}),
  });
  const headers = Object.fromEntries(
    [...response.headers].filter(
      ([name]) => !["content-encoding", "content-length", "transfer-encoding"].includes(name),
    ),
  );
  return { status: response.status, headers, text: await response.text() };
}
