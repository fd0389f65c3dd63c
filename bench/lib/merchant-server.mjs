// A merchant's server: it answers 200 and notes when each payment's result came.
import { createServer } from "node:http";
import { performance } from "node:perf_hooks";

export async function merchantServer() {
  const arrived = new Map();
  const waiting = new Map();
  const server = createServer((request, response) => {
    const at = performance.now();
    let text = "";
    request.on("data", (chunk) => {
      text += chunk;
    });
    request.on("end", () => {
      response.end("OK");
      const id = JSON.parse(text).Body.stkCallback.CheckoutRequestID;
      arrived.set(id, at);
      waiting.get(id)?.(at);
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${server.address().port}/callback`,
    /** When the result of this payment came, by this process's clock. */
    result: (id) => arrived.get(id) ?? new Promise((done) => waiting.set(id, done)),
    close: () => server.close(),
  };
}
