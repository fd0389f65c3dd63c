/**
 * The numbers that answer by themselves: `2547000` and five digits, which are the result code.
 * Five of them misbehave afterwards instead.
 */
export type SelfAnswer = { resultCode: number; manner: Manner };

type Manner =
  | "usual"
  | "no_callback"
  | "three_callbacks"
  | "failure_first"
  | "forged_success_first"
  | "late_callback";

const SPECIAL: Record<string, SelfAnswer> = {
  "254700000700": { resultCode: 0, manner: "no_callback" },
  "254700000701": { resultCode: 0, manner: "three_callbacks" },
  "254700000702": { resultCode: 0, manner: "failure_first" },
  "254700000703": { resultCode: 1032, manner: "forged_success_first" },
  "254700000704": { resultCode: 0, manner: "late_callback" },
};

export function selfAnswer(msisdn: string): SelfAnswer | undefined {
  const code = /^2547000(\d{5})$/.exec(msisdn)?.[1];
  if (!code) return undefined;
  return SPECIAL[msisdn] ?? { resultCode: Number(code), manner: "usual" };
}
