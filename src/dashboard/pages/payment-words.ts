import { RESULT_HELP } from "../../docs/result-codes.ts";
import type { StoredTransaction } from "../../features/payments/store.ts";
import type { Step, Story } from "../../features/payments/story.ts";
import { kenyaTime, kes, localPhone } from "../parts.tsx";
import { phoneIsBusy } from "../words.ts";

/** M-Pesa has more codes than the documentation explains. */
const HELP = new Map(Object.entries(RESULT_HELP));

type Tone = "neutral" | "success" | "warning" | "error" | "info";

export type Telling = { title: string; detail?: string | undefined; tone: Tone };

/** What became of a payment, in one sentence, and what to do about it. */
export function headline(payment: StoredTransaction): { title: string; detail: string } {
  const phone = localPhone(payment.phone);
  if (payment.reversedAt !== null) {
    return { title: "Taken back by Safaricom", detail: "It was paid, and then reversed." };
  }
  if (payment.status === "completed") {
    return {
      title: payment.mpesaReceipt === null ? "Paid" : `Paid, receipt ${payment.mpesaReceipt}`,
      detail:
        payment.mpesaReceipt === null
          ? "M-Pesa says so. The receipt number may come later."
          : `On ${kenyaTime(payment.paidAt ?? payment.completedAt ?? payment.createdAt)}.`,
    };
  }
  if (payment.status === "failed") return failure(payment);
  if (payment.acknowledgement === "accepted") {
    return {
      title: `Waiting for the PIN on ${phone}`,
      detail: "The prompt is on its way to the phone. This page tells by itself what becomes of it.",
    };
  }
  if (payment.acknowledgement === "unclear") {
    return {
      title: "M-Pesa has not confirmed the prompt",
      detail: `It may be on ${phone} all the same. Do not ask again: this page tells as soon as it is known.`,
    };
  }
  return { title: "Asking M-Pesa", detail: `The prompt goes to ${phone} in a moment.` };
}

function failure(payment: StoredTransaction): { title: string; detail: string } {
  if (payment.acknowledgement === "refused") {
    const said = payment.resultDesc ?? "";
    return {
      title: "Not sent",
      detail: phoneIsBusy(said) ?? `M-Pesa refused the request, and no prompt was sent. It said: ${said}`,
    };
  }
  const help = HELP.get(payment.resultCode ?? "");
  if (!help) return { title: "Not paid", detail: `M-Pesa said: ${payment.resultDesc ?? ""}` };
  return { title: "Not paid", detail: `${help.cause} ${help.remedy}` };
}

/** Why a purchase was not paid, to the merchant who is its payer. */
export function unpaidPurchase({ resultCode, resultDesc }: StoredTransaction): string {
  const help = HELP.get(resultCode ?? "");
  if (help) return help.english;
  return `M-Pesa says: ${(resultDesc ?? "not paid").replace(/[.\s]+$/, "")}.`;
}

/** `The customer pressed Cancel.`, for a code of M-Pesa's. */
const causeOf = (code: string | null, desc: string | null) =>
  HELP.get(code ?? "")?.cause ?? `M-Pesa said: ${desc ?? code ?? "nothing"}`;

const ANSWERS: Record<Extract<Step, { kind: "answered" }>["answer"], Telling> = {
  asking: { title: "Asking M-Pesa for the prompt", tone: "info" },
  accepted: { title: "M-Pesa took the request", detail: "The prompt goes to the phone.", tone: "neutral" },
  unclear: {
    title: "M-Pesa's answer did not come",
    detail: "The prompt may have been sent, so it is never sent a second time.",
    tone: "warning",
  },
  refused: { title: "M-Pesa refused the request", detail: "The call goes back to the key.", tone: "error" },
};

/** What was made of a callback, by the verdict that is stored with it. */
const VERDICTS: Record<string, string> = {
  settled: "It fits the payment and settled it.",
  duplicate: "A copy of what was known. Nothing changed.",
  failure_after_success: "The payment is paid already. Nothing changed.",
  receipt_filled: "It brought the receipt number.",
  not_processed: "It could not be worked on yet, and is taken up again.",
};

const UNFITTING = "It does not fit the payment, so nothing was credited. SmartPay's operator looks into it.";

const ENTRIES: Record<string, string> = {
  collection: "Received",
  collection_repayment: "Paid back what was owed",
  hold: "Set aside for the payout",
  paid_out: "Paid out",
  payout_fee: "Payout fee",
  given_back: "Given back to your wallet",
  given_back_repayment: "Paid back what was owed",
  reversal: "Taken back by Safaricom",
  reversal_owed: "Owed after the reversal",
  paid_after_failure: "Paid out after all",
  paid_after_failure_owed: "Owed after the payout",
  sale: "Paid to SmartPay",
};

const ACCOUNTS: Record<string, string> = {
  mpesa: "M-Pesa",
  wallet: "your wallet",
  held: "set aside",
  owed: "what you owe",
  fees: "fees",
  sales: "SmartPay",
};

const accountName = (account: string) => ACCOUNTS[account.split(":")[0] ?? ""] ?? account;

const PAYOUTS = {
  queued: { title: "Payout begins", tone: "neutral" },
  sent: { title: "Payout sent to M-Pesa", tone: "neutral" },
  paid: { title: "Paid out", tone: "success" },
  failed: { title: "Not paid out: the money is in your wallet", tone: "warning" },
} as const;

/** One step of a payment's story in words. */
export function tell(step: Step, { payment, key }: Pick<Story, "payment" | "key">): Telling {
  switch (step.kind) {
    case "requested":
      return {
        title: `${kes(payment.amount)} asked for`,
        detail: `From ${localPhone(payment.phone)}, with the key “${key?.name ?? payment.keyId}”. The key, its limits and the fraud rules said yes.`,
        tone: "neutral",
      };
    case "answered":
      return ANSWERS[step.answer];
    case "queried": {
      const often = step.times > 1 ? `${step.times} times` : "";
      const detail =
        step.failureCode === null
          ? undefined
          : `Its answer: not paid. ${causeOf(step.failureCode, null)}${payment.status === "pending" ? " This counts once a second answer agrees." : ""}`;
      return { title: `M-Pesa was asked for the result ${often}`.trim(), detail, tone: "neutral" };
    }
    case "called_back": {
      const { result } = step;
      const said =
        result === undefined
          ? "M-Pesa called back"
          : result.kind === "paid"
            ? "M-Pesa called back: paid"
            : "M-Pesa called back: not paid";
      const isFine = step.verdict in VERDICTS;
      return {
        title: said,
        detail: VERDICTS[step.verdict] ?? UNFITTING,
        tone: isFine ? "neutral" : "warning",
      };
    }
    case "on_statement":
      return {
        title: "Found on M-Pesa's own statement",
        detail: `Receipt ${step.receipt}.`,
        tone: "neutral",
      };
    case "finished":
      return payment.status === "completed"
        ? {
            title: "Paid",
            detail:
              payment.mpesaReceipt === null ? "Without a receipt yet." : `Receipt ${payment.mpesaReceipt}.`,
            tone: "success",
          }
        : {
            title: "Not paid",
            detail: causeOf(payment.resultCode, payment.resultDesc),
            tone: "error",
          };
    case "moved": {
      const { kind, amount, debit, credit } = step.entry;
      return {
        title: `${ENTRIES[kind] ?? kind}: ${kes(amount)}`,
        detail: `On the books from ${accountName(debit)} to ${accountName(credit)}.`,
        tone: "neutral",
      };
    }
    case "payout": {
      const { payout, state } = step;
      const { title, tone } = PAYOUTS[state];
      const receipt = state === "paid" && payout.receipt ? `Receipt ${payout.receipt}.` : "";
      const reason = state === "failed" || state === "queued" ? (payout.reason ?? "") : "";
      return { title, detail: [kes(payout.amount), receipt || reason].filter(Boolean).join(". "), tone };
    }
    case "told": {
      const { status, durationMs, error } = step.attempt;
      const isTaken = status !== null && status >= 200 && status < 300;
      const answer = status === null ? "no answer" : `HTTP ${status}`;
      return {
        title: `Webhook ${step.number === 1 ? "" : `attempt ${step.number} `}to your server: ${answer}`,
        detail: [error ?? "", `After ${durationMs} ms.`].filter(Boolean).join(" "),
        tone: isTaken ? "success" : "error",
      };
    }
    case "to_be_told":
      return { title: "Webhook to your server: the next attempt", tone: "info" };
    case "reversed":
      return { title: "Taken back by Safaricom", tone: "error" };
  }
}
