import type { Limits } from "../../env.ts";
import type { KeyId } from "../../lib/ids.ts";
import type { Msisdn } from "../../lib/msisdn.ts";
import type { Outcome } from "../fraud/rules.ts";
import type { GatePush, KeyGate } from "./key-gate.ts";
import type { Claimant, PhoneAnswer, PhoneLimit } from "./phone-limit.ts";
import type { GateAnswer } from "./rules.ts";

/** The limits' Durable Objects, as verbs see them. */
export interface LimitsPort {
  takeCall(key: KeyId, hash: string, push?: GatePush): Promise<GateAnswer>;
  forgetPush(key: KeyId, id: string): Promise<void>;
  finishPush(key: KeyId, id: string, outcome: Outcome): Promise<void>;
  denyForFraud(key: KeyId): Promise<boolean>;
  pardon(key: KeyId): Promise<void>;
  disown(key: KeyId, hash: string): Promise<void>;
  claimPhone(phone: Msisdn, by: Claimant): Promise<PhoneAnswer>;
  usePhone(phone: Msisdn, by: Claimant): Promise<void>;
  releasePhone(phone: Msisdn, by: Claimant): Promise<void>;
}

export function limitsOf(
  env: { KEY_GATE: DurableObjectNamespace<KeyGate>; PHONE_LIMIT: DurableObjectNamespace<PhoneLimit> },
  limits: Limits,
): LimitsPort {
  const gate = (key: KeyId) => env.KEY_GATE.getByName(String(key));
  const phoneLimit = (phone: Msisdn) => env.PHONE_LIMIT.getByName(phone);
  const perPhone = { pushes: limits.phone_pushes, windowMs: limits.phone_window_seconds * 1_000 };
  return {
    takeCall: async (key, hash, push) =>
      gate(key).take(hash, limits, push && { ...push, limits: limits.fraud }),
    forgetPush: async (key, id) => gate(key).forgetPush(id),
    finishPush: async (key, id, outcome) => gate(key).finishPush(id, outcome),
    denyForFraud: async (key) => gate(key).denyForFraud(),
    pardon: async (key) => gate(key).pardon(),
    disown: async (key, hash) => gate(key).disown(hash),
    claimPhone: async (phone, by) => phoneLimit(phone).claim(by, perPhone),
    usePhone: async (phone, by) => phoneLimit(phone).use(by),
    releasePhone: async (phone, by) => phoneLimit(phone).release(by),
  };
}
