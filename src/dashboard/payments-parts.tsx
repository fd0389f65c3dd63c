import type { StoredTransaction } from "../features/payments/store.ts";
import type { StoredDelivery } from "../features/webhooks/store.ts";
import { Badge, kes, localPhone, When } from "./parts.tsx";

const STATUS = {
  pending: { tone: "info", label: "Waiting" },
  completed: { tone: "success", label: "Paid" },
  failed: { tone: "error", label: "Not paid" },
} as const;

export const PAYMENT_STATUSES = ["completed", "pending", "failed"] as const;

export const statusLabel = (status: StoredTransaction["status"]) => STATUS[status].label;

export const PaymentStatus = ({ status }: { status: StoredTransaction["status"] }) => (
  <Badge tone={STATUS[status].tone}>{STATUS[status].label}</Badge>
);

type RowsProps = {
  payments: StoredTransaction[];
  /** Those that came or changed while somebody was looking. */
  fresh?: ReadonlySet<string>;
};

/** Payments, one a row; on a phone each is three short lines. */
export const PaymentRows = ({ payments, fresh }: RowsProps) => (
  <ul class="divide-y divide-base-300">
    {payments.map((payment) => (
      <li id={payment.id} class={fresh?.has(payment.id) ? "fresh" : ""}>
        <a
          href={`/dashboard/payments/${payment.id}`}
          class="-mx-2 grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-0.5 rounded-field px-2 py-2.5 hover:bg-base-200 sm:flex sm:flex-wrap"
        >
          <span class="font-medium tabular-nums sm:w-28">{kes(payment.amount)}</span>
          <span class="justify-self-end sm:w-20">
            <PaymentStatus status={payment.status} />
          </span>
          <span class="whitespace-nowrap tabular-nums sm:w-32">{localPhone(payment.phone)}</span>
          <span class="mono soft max-sm:order-1 sm:min-w-24">{payment.mpesaReceipt ?? ""}</span>
          <span class="soft truncate max-sm:order-2 max-sm:max-w-36 max-sm:justify-self-end sm:min-w-0 sm:grow sm:basis-32">
            {payment.accountReference}
          </span>
          <span class="soft justify-self-end text-sm">
            <When at={payment.createdAt} />
          </span>
        </a>
      </li>
    ))}
  </ul>
);

export const DELIVERY_STATUS = {
  pending: { tone: "info", label: "Under way" },
  delivered: { tone: "success", label: "Delivered" },
  failed: { tone: "error", label: "Given up" },
} as const;

type DeliveryStatusProps = { status: StoredDelivery["status"]; isOvertaken?: boolean };

export const DeliveryStatus = ({ status, isOvertaken = false }: DeliveryStatusProps) =>
  isOvertaken && status === "failed" ? (
    <Badge tone="neutral">Overtaken by the success</Badge>
  ) : (
    <Badge tone={DELIVERY_STATUS[status].tone}>{DELIVERY_STATUS[status].label}</Badge>
  );
