/** What a key holds of its subscription. */
type Subscription = { expiresAt: number | null; callsLeft: number; deletedAt: number | null };

/** An unexpired subscription of a living key. */
export const isActive = ({ expiresAt, deletedAt }: Subscription, now: number) =>
  deletedAt === null && expiresAt !== null && expiresAt > now;

/** The calls that may still be made: unused ones lapse when the subscription ends. */
export const callsRemaining = (key: Subscription, now: number) => (isActive(key, now) ? key.callsLeft : 0);
