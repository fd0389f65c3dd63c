/**
 * Every fault of the simulated network, each now and then. Of those of M-Pesa's statement only this one: a hidden
 * phone leaves payments to the operator, and a statement is never empty here.
 */
const rarely = (probability, value) => ({ probability, ...(value === undefined ? {} : { value }) });

export const FAULTS = {
  stk_push: {
    refuse: rarely(0.03),
    spike_arrest: rarely(0.03),
    html_503: rarely(0.03),
    timeout_before: rarely(0.02),
    timeout_after: rarely(0.04),
    reset_after: rarely(0.04),
    rule_17: rarely(0.5),
  },
  stk_query: {
    processing_4999: rarely(0.2),
    processing_500: rarely(0.1),
    noise_500: rarely(0.1),
    wrong_failed: rarely(0.1),
  },
  callback: {
    drop: rarely(0.1),
    duplicate: rarely(0.1, 2),
    delay_ms: rarely(0.1, 700),
    before_ack: rarely(0.1),
    wrong_amount: rarely(0.03),
    string_code: rarely(0.05),
    balance_item: rarely(0.3),
  },
  b2c: {
    refuse: rarely(0.05),
    spike_arrest: rarely(0.05),
    html_503: rarely(0.05),
    timeout_before: rarely(0.05),
    timeout_after: rarely(0.08),
    reset_after: rarely(0.08),
  },
  b2b: {
    refuse: rarely(0.05),
    spike_arrest: rarely(0.05),
    // Without an id of ours an unclear B2B payout stops all later ones to its payee: rarer than elsewhere.
    html_503: rarely(0.005),
    timeout_before: rarely(0.005),
    timeout_after: rarely(0.05),
    reset_after: rarely(0.05),
  },
  result: { drop: rarely(0.1), duplicate: rarely(0.1, 2), delay_ms: rarely(0.1, 700) },
  pull: { short_phone: rarely(0.3) },
  sms: { refuse: rarely(0.1), timeout: rarely(0.1), html_503: rarely(0.1) },
};

/** How often each fault has struck, as the simulator tells it, added to what is known. */
export function addFired(counts, told) {
  for (const [product, set] of Object.entries(told)) {
    for (const [name, { fired }] of Object.entries(set)) {
      const fault = `${product}.${name}`;
      counts.set(fault, (counts.get(fault) ?? 0) + fired);
    }
  }
}

export const neverFired = (counts) =>
  Object.entries(FAULTS)
    .flatMap(([product, set]) => Object.keys(set).map((name) => `${product}.${name}`))
    .filter((fault) => !counts.get(fault));

/** The same faults, but those that chance has left out strike once at the next occasion. */
export function insistOn(left) {
  const isLeft = new Set(left);
  const set = (product, faults) =>
    Object.entries(faults).map(([name, fault]) => [
      name,
      isLeft.has(`${product}.${name}`) ? { ...fault, probability: 1, count: 1 } : fault,
    ]);
  return Object.fromEntries(
    Object.entries(FAULTS).map(([product, faults]) => [product, Object.fromEntries(set(product, faults))]),
  );
}
