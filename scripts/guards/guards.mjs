// Each guard of the money paths, how it is taken out, and the tests that have to notice.

const PAYMENTS = "src/features/payments";
const PAYOUTS = "src/features/payouts";
const RULINGS = "src/features/rulings";
const PERSONAL_DATA = "src/features/personal-data";
const OPERATOR_RULINGS = ["test/operator/rulings.test.ts"];
const CONSOLE = ["test/operator/console.test.ts"];
const test = (...names) => names.map((name) => `test/features/${name}.test.ts`);

const without = (file, find, replace = "") => ({ file, find, replace });

/** `{guard, edits, tests}`: an edit's `find` occurs once in its file. */
export const GUARDS = [
  {
    guard: "The intent is stored before M-Pesa is asked",
    edits: [
      without(
        `${PAYMENTS}/push.ts`,
        "  const started = await start(",
        "  await deps.daraja.stkPush({ ...request, payee: { kind: 'paybill', number: '600999' }, accountReference: 'x', callbackUrl: '' } as never);\n  const started = await start(",
      ),
    ],
    tests: test("payments/push"),
  },
  {
    guard: "Nothing is answered before M-Pesa's id is stored",
    edits: [
      without(
        `${PAYMENTS}/send.ts`,
        "await recordAccepted(deps.db, payment, outcome);",
        "void recordAccepted(deps.db, payment, outcome);",
      ),
    ],
    tests: test("payments/push"),
  },
  {
    guard: "An unclear push is never sent again",
    edits: [
      without(
        `${PAYMENTS}/send.ts`,
        "const outcome = await deps.daraja.stkPush(await toStkPush(deps.config, payment));",
        "let outcome = await deps.daraja.stkPush(await toStkPush(deps.config, payment));\n  if (outcome.kind === 'unclear') outcome = await deps.daraja.stkPush(await toStkPush(deps.config, payment));",
      ),
    ],
    tests: test("payments/interleavings"),
  },
  {
    guard: "A call that was taken ahead and denied is given back",
    edits: [without(`${PAYMENTS}/start.ts`, "    if (ahead) await takeBack(deps, intent, ahead);\n")],
    tests: test("payments/ahead"),
  },
  {
    guard: "An Idempotency-Key is one payment: the start's guard",
    edits: [without(`${PAYMENTS}/store.ts`, "        notExists(sameIdempotencyKey),\n")],
    tests: ["test/concurrency.test.ts"],
  },
  {
    guard: "An Idempotency-Key is one payment: the guard and the unique index",
    edits: [
      without(`${PAYMENTS}/store.ts`, "        notExists(sameIdempotencyKey),\n"),
      without(
        "migrations/0000_init.sql",
        "CREATE UNIQUE INDEX `transactions_idempotency`",
        "CREATE INDEX `transactions_idempotency`",
      ),
    ],
    tests: ["test/concurrency.test.ts"],
  },
  {
    guard: "A push's callback has the right token",
    edits: [
      without(
        `${PAYMENTS}/callback.ts`,
        "  if (!(await isCallbackToken(deps.config, token, ...callbackOccasion(ref)))) return c.notFound();\n",
      ),
    ],
    tests: test("payments/settlement"),
  },
  {
    guard: "A payout's callback has the right token",
    edits: [
      without(
        `${PAYOUTS}/callback.ts`,
        "  if (!(await isCallbackToken(deps.config, token, ...occasion))) return c.notFound();\n",
      ),
    ],
    tests: test("payouts/payouts"),
  },
  {
    guard: "A callback that comes while a setting is wrong proves that M-Pesa was given its URL",
    edits: [
      without(
        "src/features/reconciliation/held-callbacks.ts",
        "await isCallbackToken(secrets, token, ...callbackOccasion(ref))",
        "true",
      ),
    ],
    tests: test("payments/settlement"),
  },
  {
    guard: "A payout's callback that comes while a setting is wrong proves it likewise",
    edits: [
      without(
        "src/features/reconciliation/held-callbacks.ts",
        "await isCallbackToken(secrets, token, ...payoutOccasion(kind, ref, attempt))",
        "true",
      ),
    ],
    tests: test("payments/settlement"),
  },
  {
    guard: "A payment is settled once: the write's guard",
    edits: [
      without(
        `${PAYMENTS}/settlement-store.ts`,
        "    eq(transactions.status, payment.status),\n    isNull(transactions.mpesaReceipt),\n",
      ),
    ],
    tests: test("payments/settlement"),
  },
  {
    guard: "A payment is settled once: the guard and the ledger's unique index",
    edits: [
      without(
        `${PAYMENTS}/settlement-store.ts`,
        "    eq(transactions.status, payment.status),\n    isNull(transactions.mpesaReceipt),\n",
      ),
      without(
        "migrations/0000_init.sql",
        "CREATE UNIQUE INDEX `ledger_entries_once`",
        "CREATE INDEX `ledger_entries_once`",
      ),
    ],
    tests: test("payments/settlement"),
  },
  {
    guard: "A payment moves last in its batch, as it was read: its ids",
    edits: [
      without(
        `${PAYMENTS}/settlement-store.ts`,
        `    sql\`\${transactions.checkoutRequestId} is \${payment.checkoutRequestId}\`,
    sql\`\${transactions.acknowledgement} is \${payment.acknowledgement}\`,
`,
      ),
    ],
    tests: test("payments/interleavings"),
  },
  {
    guard: "A receipt credits one payment: what was read of it",
    edits: [
      without(
        `${PAYMENTS}/settle.ts`,
        "const isReused = receiptOwner !== undefined && receiptOwner !== payment.id;",
        "const isReused = false;",
      ),
    ],
    tests: test("payments/settlement"),
  },
  {
    guard: "A receipt credits one payment: the write's guard",
    edits: [
      without(
        `${PAYMENTS}/settlement-store.ts`,
        "    receipt === null ? undefined : receiptIsUnused(db, receipt),\n",
      ),
    ],
    tests: test("payments/settlement"),
  },
  {
    guard: "A receipt credits one payment: the write's guard and the unique index",
    edits: [
      without(
        `${PAYMENTS}/settlement-store.ts`,
        "    receipt === null ? undefined : receiptIsUnused(db, receipt),\n",
      ),
      without(
        "migrations/0000_init.sql",
        "CREATE UNIQUE INDEX `transactions_receipt`",
        "CREATE INDEX `transactions_receipt`",
      ),
    ],
    tests: test("payments/settlement"),
  },
  {
    guard: "A callback credits only the amount that was asked for",
    edits: [
      without(
        `${PAYMENTS}/rules.ts`,
        '    if (result.kind === "paid" && result.amount !== payment.amount) return nothing("wrong_amount", true);\n',
      ),
    ],
    tests: test("payments/rules"),
  },
  {
    guard: "A callback credits only under the payment's own checkout id",
    edits: [
      without(
        `${PAYMENTS}/rules.ts`,
        '    if (known !== null && known !== evidence.checkoutRequestId) return nothing("wrong_checkout_id", true);\n',
      ),
    ],
    tests: test("payments/rules"),
  },
  {
    guard: "A callback credits only with a receipt",
    edits: [
      without(
        `${PAYMENTS}/rules.ts`,
        '    if (result.kind === "paid" && !result.receipt) return nothing("no_receipt", true);\n',
      ),
    ],
    tests: test("payments/rules"),
  },
  {
    guard: "A success is never undone",
    edits: [
      without(
        `${PAYMENTS}/rules.ts`,
        'if (payment.status === "pending") return { ...result',
        "if (payment.status !== 'failed') return { ...result",
      ),
    ],
    tests: test("payments/rules"),
  },
  {
    guard: "A failure becomes a success when M-Pesa proves it",
    edits: [
      without(
        `${PAYMENTS}/rules.ts`,
        '  if (payment.status !== "completed") {',
        "  if (payment.status === 'pending') {",
      ),
    ],
    tests: test("payments/rules"),
  },
  {
    guard: "A query's failure needs a second answer",
    edits: [
      without(
        `${PAYMENTS}/rules.ts`,
        "if (agrees && now >= notBefore && now >= secondAnswer)",
        "if (now >= notBefore)",
      ),
    ],
    tests: test("payments/rules"),
  },
  {
    guard: "A query's failure never comes before 180 s",
    edits: [
      without(
        `${PAYMENTS}/rules.ts`,
        "if (agrees && now >= notBefore && now >= secondAnswer)",
        "if (agrees && now >= secondAnswer)",
      ),
    ],
    tests: test("payments/rules"),
  },
  {
    guard: "One run at a time asks about a payment: the lease",
    edits: [
      without(
        `${PAYMENTS}/store.ts`,
        ".set({ dueAt: until })\n    .where(\n      sql`",
        ".set({ dueAt: transactions.dueAt })\n    .where(\n      sql`",
      ),
    ],
    tests: test("payments/settlement"),
  },
  {
    guard: "M-Pesa's statement proves a payment only where exactly one fits",
    edits: [
      without(
        "src/features/reconciliation/rules.ts",
        "fitting.length === 1 ? fitting[0] : undefined",
        "fitting[0]",
      ),
    ],
    tests: test("reconciliation/pull"),
  },
  {
    guard: "What a fault of ours kept from being settled is tried again",
    edits: [without("src/schedule.ts", '    ["retry callbacks", retryCallbacks],\n')],
    tests: test("reconciliation/pull"),
  },
  {
    guard: "What was committed and not announced is announced again: webhooks",
    edits: [without("src/schedule.ts", '    ["sweep webhook deliveries", sweepDeliveries],\n')],
    tests: test("webhooks/webhooks"),
  },
  {
    guard: "What was committed and not announced is announced again: payouts",
    edits: [without("src/schedule.ts", '    ["sweep payouts", sweepPayouts],\n')],
    tests: test("payouts/payouts"),
  },
  {
    guard: "What was committed and not announced is announced again: SMS",
    edits: [without("src/schedule.ts", '    ["sweep SMS", sweepSms],\n')],
    tests: test("sms/sms"),
  },
  {
    guard: "What was committed and not announced is announced again: notices",
    edits: [without("src/schedule.ts", '    ["sweep notices", sweepNotices],\n')],
    tests: test("receipts/receipts", "notices/operator"),
  },
  {
    guard: "What the operator alone can notice is told in one write with it: a payment that is given up",
    edits: [
      without(
        `${PAYMENTS}/settle.ts`,
        '      ...(evidence.source === "silence" ? operatorsNotice(deps.config, givenUp(payment), now) : []),\n',
      ),
      without(
        `${PAYMENTS}/settle.ts`,
        "    const ids = notices.map(({ id }) => id);\n",
        '    if (evidence.source === "silence") await tellOperator(deps, givenUp(payment));\n    const ids = notices.map(({ id }) => id);\n',
      ),
    ],
    tests: test("notices/operator"),
  },
  {
    guard: "What the operator alone can notice is told in one write with it: a day's differences",
    edits: [
      without(
        "src/features/reconciliation/statement.ts",
        "  await storeStatements(deps.db, statements, { notices, now });\n",
        '  await storeStatements(deps.db, statements, { notices: [], now });\n  for (const notice of notices) await (await import("../notices/notify.ts")).notify(deps, notice);\n',
      ),
    ],
    tests: test("reconciliation/statements"),
  },
  {
    guard: "A run of the cron ends what it began within D1's calls",
    edits: [without("src/db/room.ts", "calls < BEGIN_NOTHING_AFTER", "true")],
    tests: ["test/schedule.test.ts"],
  },
  {
    guard: "A silent server holds up nothing of M-Pesa's in the cron",
    edits: [without("src/schedule.ts", "webhooksByQueue: true", "webhooksByQueue: false")],
    tests: ["test/schedule.test.ts"],
  },
  {
    guard: "A delivery is attempted by one at a time: the lease",
    edits: [
      without(
        "src/features/webhooks/store.ts",
        'and(isDelivery(seen), eq(webhookDeliveries.status, "pending"), eq(webhookDeliveries.dueAt, seen.dueAt)),',
        "and(isDelivery(seen)),",
      ),
    ],
    tests: test("webhooks/webhooks"),
  },
  {
    guard: "A failure is not told any more once the payment is paid: the settlement's write",
    edits: [
      without(
        `${PAYMENTS}/settlement-store.ts`,
        "...(isPaidAfterAll ? [withdrawFailure(db, merchantId, payment.id, on)] : []),",
      ),
    ],
    tests: test("webhooks/webhooks"),
  },
  {
    guard: "A failure is not told any more once the payment is paid: the attempt's record",
    edits: [
      without(
        "src/features/webhooks/store.ts",
        'after.status === "pending" ? eq(webhookDeliveries.status, "pending") : undefined,',
      ),
    ],
    tests: test("webhooks/webhooks"),
  },
  {
    guard: "A failure is not told any more once the payment is paid: what was given up",
    edits: [
      without(
        "src/features/webhooks/store.ts",
        "isTrueStill(db)))\n    .orderBy(desc(",
        "undefined))\n    .orderBy(desc(",
      ),
    ],
    tests: ["test/operator/verbs.test.ts"],
  },
  {
    guard:
      "A failure is not told any more once the payment is paid: the operator's write, and the dashboard's",
    edits: [without("src/features/webhooks/store.ts", "    trueOnly ? isTrueStill(db) : undefined,\n")],
    tests: ["test/operator/verbs.test.ts", "test/dashboard/payments.test.ts"],
  },
  {
    guard: "A payout is written ahead of its sending",
    edits: [
      without(
        `${PAYOUTS}/advance.ts`,
        "  const payout = await claimForSending(",
        "  await pay(deps, ref, { ...queued, attempt, originatorId });\n  const payout = await claimForSending(",
      ),
    ],
    tests: test("payouts/payouts"),
  },
  {
    guard: "A payout is taken for sending by one alone",
    edits: [
      without(
        `${PAYOUTS}/store.ts`,
        "const isFree = and(asRead(payout), eq(payouts.dueAt, payout.dueAt ?? 0), notExists(unclear));",
        "const isFree = isPayout(payout);",
      ),
    ],
    tests: test("payouts/interleavings"),
  },
  {
    guard: "While a payout is unclear no other goes to its payee",
    edits: [
      without(
        `${PAYOUTS}/store.ts`,
        "eq(payouts.dueAt, payout.dueAt ?? 0), notExists(unclear));",
        "eq(payouts.dueAt, payout.dueAt ?? 0));",
      ),
    ],
    tests: test("payouts/payouts"),
  },
  {
    guard: "An unclear payout is not queued again",
    edits: [
      without(
        `${PAYOUTS}/advance.ts`,
        '    case "unclear":\n      return;\n',
        '    case "unclear":\n      await tryAgain(deps, ref, payout, now, "again");\n      return;\n',
      ),
    ],
    tests: test("payouts/interleavings"),
  },
  {
    guard: "A B2C payout keeps its id when M-Pesa twice knew of none",
    edits: [
      without(
        `${PAYOUTS}/store.ts`,
        "originatorId: move.sameId ? payout.originatorId : null,",
        "originatorId: null,",
      ),
    ],
    tests: test("payouts/payouts"),
  },
  {
    guard: "A payout is paid or given back once: the write's guard",
    edits: [
      without(
        `${PAYOUTS}/store.ts`,
        "  const guard = and(\n    asRead(payout),\n",
        "  const guard = and(\n    isPayout(payout),\n",
      ),
    ],
    tests: test("payouts/lost-answers"),
  },
  {
    guard: "A payout of which an earlier attempt was paid is not sent again",
    edits: [
      without(
        `${PAYOUTS}/rules.ts`,
        '  if (payout.receipt !== null) return pay(payout, payout.receipt);\n  return { kind: "requeue", dueAt, reason, sameId: true',
        '  return { kind: "requeue", dueAt, reason, sameId: true',
      ),
    ],
    tests: test("payouts/payouts"),
  },
  {
    guard: "A payout of which an earlier attempt was paid is not given back: the write's guard",
    edits: [
      without(
        `${PAYOUTS}/store.ts`,
        "    payout.receipt === null ? isNull(payouts.receipt) : eq(payouts.receipt, payout.receipt),\n",
      ),
    ],
    tests: test("payouts/lost-answers"),
  },
  {
    guard: "A second attempt that was paid too does not take the first one's receipt away",
    edits: [
      without(
        `${PAYOUTS}/rules.ts`,
        "return { ...pay(payout, payout.receipt), secondReceipt: receipt };",
        "return pay(payout, receipt);",
      ),
    ],
    tests: test("payouts/payouts"),
  },
  {
    guard: "That M-Pesa has no transaction proves nothing of what was sent long ago",
    edits: [
      without(
        `${PAYOUTS}/rules.ts`,
        '  if (now >= (payout.sentAt ?? now) + scaled(ABSENT_PROVES_FOR_MS)) return nothing("absent_when_old");\n',
      ),
    ],
    tests: test("payouts/payouts"),
  },
  {
    guard: "A receipt pays one payout: the write's guard",
    edits: [
      without(
        `${PAYOUTS}/store.ts`,
        '    "receipt" in move ? receiptIsUnused(db, payout, move.receipt) : undefined,\n',
      ),
    ],
    tests: test("payouts/lost-answers"),
  },
  {
    guard: "What a transfer reckoned with still stands",
    edits: [
      without(
        "src/features/ledger/store.ts",
        "const stands = and(on.guard, walletStands(db, merchantId, wallet));",
        "const stands = on.guard;",
      ),
    ],
    tests: test("payouts/lost-answers"),
  },
  {
    guard: "A wallet never goes below zero: the guard and the table's CHECK",
    edits: [
      without(`${PAYOUTS}/store.ts`, "gte(wallets.balance, total), notStored", "notStored"),
      without("migrations/0000_init.sql", '"wallets"."balance" >= 0', '"wallets"."balance" > -1000000'),
    ],
    tests: test("payouts/withdrawals"),
  },
  {
    guard: "An Idempotency-Key is one withdrawal, one SMS",
    edits: [
      without(
        "src/features/idempotency/store.ts",
        "      .where(on.guard),\n  );",
        "      .where(on.guard),\n  ).onConflictDoNothing();",
      ),
    ],
    tests: test("payouts/withdrawals"),
  },
  {
    guard: "An SMS is sent by one alone",
    edits: [
      without(
        "src/features/sms/store.ts",
        '.where(and(isMessage(ref), eq(smsMessages.status, "queued")))',
        ".where(isMessage(ref))",
      ),
    ],
    tests: test("sms/sms"),
  },
  {
    guard: "A refused SMS gives its credits back once",
    edits: [
      without(
        "src/features/sms/store.ts",
        "and(eq(wallets.merchantId, message.merchantId), exists(sending))",
        "eq(wallets.merchantId, message.merchantId)",
      ),
    ],
    tests: test("sms/sms"),
  },
  {
    guard: "A merchant is made once: what is taken by itself",
    edits: [
      without("src/features/account/create-merchant.ts", "(await findKey(deps.db, minted.hash))", "false"),
    ],
    tests: ["test/operator/verbs.test.ts"],
  },
  {
    guard: "What was bought is given once",
    edits: [
      without(
        `${PAYMENTS}/settlement-store.ts`,
        "[activate(db, money.purchase, merchantId, now, on)]",
        "[activate(db, money.purchase, merchantId, now, { table: transactions, guard: isPayment(payment) })]",
      ),
    ],
    tests: test("purchases/purchases"),
  },
  {
    guard: "A ruling is applied while it is proposed: a payment's write",
    edits: [without(`${PAYMENTS}/settlement-store.ts`, "    extra.companion?.condition,\n")],
    tests: OPERATOR_RULINGS,
  },
  {
    guard: "A ruling is applied while it is proposed: a payout's write",
    edits: [without(`${PAYOUTS}/store.ts`, "    extra.companion?.condition,\n")],
    tests: OPERATOR_RULINGS,
  },
  {
    guard: "A ruling is applied with its change alone",
    edits: [
      without(
        `${RULINGS}/store.ts`,
        'last: decide(db, ruling, { status: "applied", outcome: null, by: act.actor, now }, wasDone(once)),',
        'last: decide(db, ruling, { status: "applied", outcome: null, by: act.actor, now }),',
      ),
    ],
    tests: OPERATOR_RULINGS,
  },
  {
    guard: "A receipt is of money in or of money out: the ruling's write",
    edits: [
      without(
        `${RULINGS}/store.ts`,
        "receipt === undefined ? undefined : isOfItsKind(db, ruling.kind, receipt),",
        "undefined,",
      ),
    ],
    tests: OPERATOR_RULINGS,
  },
  {
    guard: "A payout that was never sent is not ruled paid",
    edits: [
      without(
        `${RULINGS}/effect.ts`,
        '  if (payout.attempt === 0 && !mayHaveGoneOut)\n    return impossible("It was never sent: M-Pesa cannot have paid it.");\n',
      ),
    ],
    tests: OPERATOR_RULINGS,
  },
  {
    guard: "A callback is put aside while it is open alone",
    edits: [
      without(
        `${RULINGS}/store.ts`,
        "guard: and(isProposed(ruling), isOpen) }",
        "guard: isProposed(ruling) }",
      ),
    ],
    tests: OPERATOR_RULINGS,
  },
  {
    guard: "An erasure takes nothing while anything is under way: the write's guard",
    edits: [
      without(
        `${PERSONAL_DATA}/store.ts`,
        ".where(and(isMerchant, ...Object.values(underWay(db, merchantId, now)).map((reason) => not(reason))));",
        ".where(isMerchant);",
      ),
    ],
    tests: test("personal-data/personal-data"),
  },
  {
    guard: "An erased payment that is proved later has no payee",
    edits: [
      without(
        `${PERSONAL_DATA}/store.ts`,
        "destination: erasedDestination(),",
        "destination: methodAlone(transactions.destination),",
      ),
    ],
    tests: test("personal-data/personal-data"),
  },
  {
    guard: "The console is for operators alone",
    edits: [
      without(
        "src/operator/pages/guard.ts",
        '  if (user.role !== "operator") throw new ApiError("NOT_FOUND", { message: "There is no such page." });\n',
      ),
    ],
    tests: CONSOLE,
  },
  {
    guard: "The console outside local needs a second factor",
    edits: [
      without(
        "src/operator/pages/guard.ts",
        'const isMissing = deps.config.environment !== "local" && !user.twoFactorEnabled;',
        "const isMissing = false && deps;",
      ),
    ],
    tests: CONSOLE,
  },
  {
    guard: "A second factor ends the sessions that were begun without it",
    edits: [
      without(
        "src/operator/pages/second-factor.tsx",
        '      if (cookie !== "") await auth.api.revokeOtherSessions({ headers: new Headers({ Cookie: cookie }) });\n',
      ),
    ],
    tests: CONSOLE,
  },
  {
    guard: "The second factor's code is guessed ten times alone",
    edits: [
      without(
        "src/operator/pages/second-factor.tsx",
        '      await throttle(deps, "second_factor", user.id);\n',
      ),
    ],
    tests: CONSOLE,
  },
  {
    guard: "A removed operator's sessions end",
    edits: [
      without(
        "src/features/users/operator-store.ts",
        "    db.delete(sessions).where(and(eq(sessions.userId, id), wasDone(once))),\n",
      ),
    ],
    tests: ["test/operator/verbs.test.ts"],
  },
  {
    guard: "What may be done once stays in the audit log: the trigger",
    edits: [
      without("migrations/0014_audit_once.sql", "NEW.`once` IS NOT NULL AND", "NEW.`once` IS NULL AND"),
    ],
    tests: OPERATOR_RULINGS,
  },
];
