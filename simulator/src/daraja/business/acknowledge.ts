import type { Context } from "hono";
import type { World } from "../../world.ts";

const CREDENTIAL_BYTES = 256;

/** The synchronous answer to every asynchronous request. */
export function acknowledge(c: Context, conversationId: string, originatorConversationId: string): Response {
  return c.json({
    ConversationID: conversationId,
    OriginatorConversationID: originatorConversationId,
    ResponseCode: "0",
    ResponseDescription: "Accept the service request successfully.",
  });
}

/**
 * Whether the initiator is known and the credential can be the encrypted password: base64 of what a
 * 2048-bit key produces. A wrong one is acknowledged like a right one and ends in result 2001.
 */
export function initiatorIsValid(world: World, initiator: string, credential: string): boolean {
  if (initiator !== world.config.initiator || !/^[A-Za-z0-9+/]+={0,2}$/.test(credential)) return false;
  try {
    return atob(credential).length === CREDENTIAL_BYTES;
  } catch {
    return false;
  }
}
