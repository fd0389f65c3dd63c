import type { MiddlewareHandler } from "hono";
import { refusals } from "../daraja/refusals.ts";
import type { World } from "../world.ts";
import { brokenConnection, firewallPage, silence } from "./broken-answers.ts";
import { faultFires } from "./faults.ts";

export type MoneyDoor = "stk_push" | "b2c" | "b2b";

/** The faults of a product that moves money: some before it hears the request, some after it has acted. */
export function faultyDoor(world: World, product: MoneyDoor): MiddlewareHandler {
  return async (c, next) => {
    if (faultFires(world, product, "timeout_before")) return silence(world);
    if (faultFires(world, product, "html_503")) return firewallPage();
    if (faultFires(world, product, "spike_arrest")) throw refusals.spikeArrest();
    if (faultFires(world, product, "refuse")) throw refusals.invalidPayload();
    await next();
    if (!c.res.ok) return;
    if (faultFires(world, product, "timeout_after")) c.res = await silence(world);
    else if (faultFires(world, product, "reset_after")) c.res = brokenConnection();
  };
}
