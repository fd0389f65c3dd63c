import type { StoredKey } from "../features/keys/store.ts";
import { PLANS } from "../features/subscriptions/plans.ts";

export const isSuspended = ({ suspendedAt }: StoredKey) => suspendedAt !== null;

/** To whoever has no verified phone yet. */
export const TrialOffer = () => (
  <p>
    {`Verify your phone: ${PLANS.Trial.calls} calls, free for ${PLANS.Trial.days} days.`}{" "}
    <a class="link font-medium" href="/dashboard/verify-phone">
      Verify it
    </a>
  </p>
);

/** Whom to write to: support, by its address where the gateway has one. */
export const Support = ({ address }: { address: string | undefined }) =>
  address === undefined ? (
    <>support</>
  ) : (
    <a class="link" href={`mailto:${address}`}>
      {address}
    </a>
  );
