import { inject } from "vitest";

export type Target = {
  url: string;
  key: string;
  environment: string;
  /** The simulator that stands behind the gateway; undefined with a live phone. */
  simulator: string | undefined;
  simulatorSecret: string | undefined;
  livePhone: string | undefined;
  /** A phone that the merchant may withdraw to. */
  verifiedPhone: string | undefined;
};

declare module "vitest" {
  interface ProvidedContext {
    target: Target;
  }
}

export const target = inject("target");

/** Locally a callback URL on this machine is allowed, and every test may come from an address of its own. */
export const isLocal = target.environment === "local";
export const isSimulated = target.simulator !== undefined;
