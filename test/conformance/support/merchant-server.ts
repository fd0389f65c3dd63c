import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export type Received = { path: string; headers: IncomingMessage["headers"]; text: string; at: number };

/** A merchant's server, which keeps what it is sent and answers as told. */
export class MerchantServer {
  readonly received: Received[] = [];
  /** What the first request to a path is answered; the others get 200. */
  readonly firstAnswers = new Map<string, number>();
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async open(): Promise<MerchantServer> {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo; // listening on TCP
    const opened = new MerchantServer(server, `http://127.0.0.1:${port}`);
    server.on("request", async (request, response) => {
      let text = "";
      for await (const chunk of request) text += chunk;
      const { url: path = "", headers } = request;
      opened.received.push({ path, headers, text, at: Date.now() });
      const status = opened.firstAnswers.get(path) ?? 200;
      opened.firstAnswers.delete(path);
      response.writeHead(status, { Location: `${opened.url}/elsewhere` });
      response.end("Thank you.");
    });
    return opened;
  }

  /** What came to a path, once it is so many. */
  async at(path: string, count = 1, forMs = 100_000): Promise<Received[]> {
    const until = Date.now() + forMs;
    for (;;) {
      const found = this.received.filter((received) => received.path === path);
      if (found.length >= count || Date.now() > until) return found;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
