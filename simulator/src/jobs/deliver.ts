import type { World } from "../world.ts";
import { type Delivery, scheduleExactly } from "./queue.ts";

/** A callback and how many real milliseconds from now it leaves. */
export type PlannedDelivery = { delayMs: number; delivery: Delivery };

const DELIVERY_TIMEOUT_MS = 30_000;

/** Sends each callback at its time. */
export function deliverAll(world: World, planned: PlannedDelivery[]): void {
  for (const { delayMs, delivery } of planned) {
    if (delayMs > 0) scheduleExactly(world, delayMs, { kind: "deliver", delivery });
    else world.background(deliver(delivery));
  }
}

/** Sends a callback once. What becomes of it is not M-Pesa's concern, so a failure is only logged. */
export async function deliver({ url, headers, body }: Delivery): Promise<void> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers,
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(DELIVERY_TIMEOUT_MS),
    });
    await response.body?.cancel();
    if (!response.ok) console.warn(`${url} answered ${response.status}; it will not be told again`);
  } catch (error) {
    console.warn(`${url} could not be reached (${error}); it will not be told again`);
  }
}

/** A JSON callback with the content type that M-Pesa sends. */
export function jsonDelivery(url: string, body: unknown, headers: Record<string, string> = {}): Delivery {
  return {
    url,
    headers: { "Content-Type": "application/json;charset=UTF-8", ...headers },
    body: JSON.stringify(body),
  };
}
