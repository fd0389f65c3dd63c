import { Hono } from "hono";
import { ApiError } from "../../errors.ts";
import { admitted } from "../../http/authenticated.ts";
import type { AppEnv } from "../../http/context.ts";
import { success } from "../../http/envelope.ts";
import { jsonBody, limitBody, requireJsonObject } from "../../http/validate.ts";
import { type KeyId, parseKeyId } from "../../lib/ids.ts";
import { createRequest, destinationRequest, notificationsRequest } from "./contract.ts";
import { createKey } from "./create.ts";
import {
  presentDestination,
  presentKey,
  presentNewKey,
  presentNotifications,
  presentWebhookSecret,
} from "./present.ts";
import { readKey, readKeys } from "./read.ts";
import { regenerateKey } from "./regenerate.ts";
import { removeKey } from "./remove.ts";
import { setDefault } from "./set-default.ts";
import { setDestination } from "./set-destination.ts";
import { setNotifications } from "./set-notifications.ts";
import { readWebhookSecret, rotateWebhookSecret } from "./webhook-secret.ts";

/** The id in a path. @throws NOT_FOUND for what cannot be one. */
function keyIdOf(text: string): KeyId {
  const id = parseKeyId(text);
  if (id === undefined) throw new ApiError("NOT_FOUND");
  return id;
}

export const keyRoutes = new Hono<AppEnv>()
  .get("/", admitted("full"), async (c) => {
    const { deps, key } = c.var;
    const keys = await readKeys(deps, key.merchantId);
    const now = deps.now();
    return success(c, { accounts: keys.map((each) => presentKey(each, now)), count: keys.length });
  })
  .post("/", admitted("full"), limitBody, requireJsonObject, jsonBody(createRequest), async (c) => {
    const { deps, key } = c.var;
    const created = await createKey(deps, key.merchantId, c.req.valid("json"));
    const account = presentNewKey(created.key, created.apiKey, deps.now());
    return success(c, { message: "API account created successfully.", account }, 201);
  })
  .get("/:id", admitted("full"), async (c) => {
    const { deps, key } = c.var;
    const found = await readKey(deps, key.merchantId, keyIdOf(c.req.param("id")));
    return success(c, { account: { ...presentKey(found, deps.now()), api_key_hint: found.hint } });
  })
  .delete("/:id", admitted("full"), async (c) => {
    await removeKey(c.var.deps, c.var.key.merchantId, keyIdOf(c.req.param("id")));
    return success(c, { message: "API account deleted." });
  })
  .post("/:id/set-default", admitted("full"), async (c) => {
    const { deps, key } = c.var;
    const changed = await setDefault(deps, key.merchantId, keyIdOf(c.req.param("id")));
    return success(c, { message: "Default account changed.", account: presentKey(changed, deps.now()) });
  })
  .post("/:id/regenerate", admitted("full"), async (c) => {
    const { deps, key } = c.var;
    const changed = await regenerateKey(deps, key.merchantId, keyIdOf(c.req.param("id")));
    return success(c, {
      message: "API key regenerated. The old key no longer works.",
      account: presentNewKey(changed.key, changed.apiKey, deps.now()),
    });
  })
  .get("/:id/destination", admitted("full"), async (c) => {
    const key = await readKey(c.var.deps, c.var.key.merchantId, keyIdOf(c.req.param("id")));
    return success(c, presentDestination(key));
  })
  .put(
    "/:id/destination",
    admitted("full"),
    limitBody,
    requireJsonObject,
    jsonBody(destinationRequest),
    async (c) => {
      const { deps, key } = c.var;
      const id = keyIdOf(c.req.param("id"));
      const changed = await setDestination(deps, key.merchantId, id, c.req.valid("json"));
      return success(c, { message: "Payment destination updated.", ...presentDestination(changed) });
    },
  )
  .put(
    "/:id/notifications",
    admitted("full"),
    limitBody,
    requireJsonObject,
    jsonBody(notificationsRequest),
    async (c) => {
      const { deps, key } = c.var;
      const id = keyIdOf(c.req.param("id"));
      const changed = await setNotifications(deps, key.merchantId, id, c.req.valid("json"));
      return success(c, { message: "Notifications updated.", ...presentNotifications(changed) });
    },
  )
  .get("/:id/webhook-secret", admitted("payments"), async (c) => {
    const { deps, key } = c.var;
    const found = await readWebhookSecret(deps, key, keyIdOf(c.req.param("id")));
    return success(c, presentWebhookSecret(found, deps.now()));
  })
  .post("/:id/webhook-secret", admitted("full"), async (c) => {
    const { deps, key } = c.var;
    const changed = await rotateWebhookSecret(deps, key.merchantId, keyIdOf(c.req.param("id")));
    return success(c, { message: "Webhook secret rotated.", ...presentWebhookSecret(changed, deps.now()) });
  });
