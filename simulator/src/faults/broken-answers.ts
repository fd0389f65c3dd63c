import { MINUTE } from "../lib/clock.ts";
import type { World } from "../world.ts";

/** What the firewall in front of Daraja shows. */
export function firewallPage(): Response {
  const incident = Math.floor(Math.random() * 1e15);
  return new Response(
    `<html><head><title>Request unsuccessful</title></head><body>Request unsuccessful. ` +
      `Incapsula incident ID: ${incident}</body></html>`,
    { status: 503, headers: { "Content-Type": "text/html" } },
  );
}

/** No answer: the connection stays open until a patient client's own minute is over. */
export async function silence(world: World): Promise<Response> {
  await scheduler.wait(MINUTE * world.config.timeFactor);
  return new Response(null, { status: 504 });
}

/** An answer that breaks off within its body. */
export function brokenConnection(): Response {
  const { readable, writable } = new IdentityTransformStream();
  breakOff(writable.getWriter());
  return new Response(readable, { headers: { "Content-Type": "application/json" } });
}

async function breakOff(writer: WritableStreamDefaultWriter<Uint8Array>): Promise<void> {
  try {
    await writer.write(new TextEncoder().encode("{"));
    await writer.abort("The connection was reset.");
  } catch {
    // The client was gone before the break.
  }
}
