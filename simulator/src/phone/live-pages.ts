import type { World } from "../world.ts";
import { phoneState } from "./state.ts";

/** What an open page's socket remembers while the object sleeps. */
type Page = { msisdn: string; onlyPrompt: string | null };

/** Connects a phone's page. The socket may hibernate; pings are answered without waking anyone. */
export function openPhonePage(ctx: DurableObjectState, world: World, msisdn: string, onlyPrompt?: string) {
  const { 0: client, 1: server } = new WebSocketPair();
  const page: Page = { msisdn, onlyPrompt: onlyPrompt ?? null };
  ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
  ctx.acceptWebSocket(server, [msisdn]);
  server.serializeAttachment(page);
  show(world, server, page);
  return new Response(null, { status: 101, webSocket: client });
}

/** Sends every open page of this phone what it shows now; without a phone, every page of all phones. */
export function refreshPages(ctx: DurableObjectState, world: World, msisdn?: string): void {
  for (const socket of ctx.getWebSockets(msisdn)) {
    const page: Page | null = socket.deserializeAttachment();
    if (page) show(world, socket, page);
  }
}

function show(world: World, socket: WebSocket, { msisdn, onlyPrompt }: Page): void {
  try {
    socket.send(JSON.stringify(phoneState(world, msisdn, onlyPrompt ?? undefined)));
  } catch {
    // The page is closing; it asks again when it is back.
  }
}
