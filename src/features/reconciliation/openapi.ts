import { z } from "zod";
import { count, succeeded, text } from "../../http/openapi/envelopes.ts";
import { operation, type Paths } from "../../http/openapi/operation.ts";
import { statementsQuery } from "./contract.ts";

const tag = "Account";

const figure = z.object({ count, amount: count });

const differenceSchema = z
  .object({
    kind: z.enum(["not_in_ledger", "not_in_mpesa", "other_amount"]).meta({
      description:
        "`not_in_ledger`: M-Pesa reports a payment that is not in your books. `not_in_mpesa`: the reverse. `other_amount`: both have it, with different amounts.",
    }),
    receipt: text.nullable(),
    transaction_id: text.nullable(),
    mpesa_amount: count.nullable(),
    ledger_amount: count.nullable(),
  })
  .meta({ id: "StatementDifference" });

const statementSchema = z
  .object({
    day: z.iso.date().meta({ description: "In East Africa" }),
    account_number: text,
    payments: z
      .object({ mpesa: figure, ledger: figure })
      .meta({ description: "What M-Pesa reported of customers' payments, and what was credited to you" }),
    payouts: z
      .object({ count, amount: count, fees: count })
      .meta({ description: "What was paid out, withdrawals among it" }),
    differences: z.array(differenceSchema),
  })
  .meta({ id: "Statement" });

const example = {
  day: "2026-11-24",
  account_number: "SP36413506",
  payments: { mpesa: { count: 1, amount: 150 }, ledger: { count: 2, amount: 220 } },
  payouts: { count: 1, amount: 100, fees: 0 },
  differences: [
    {
      kind: "not_in_mpesa",
      receipt: null,
      transaction_id: "tx_0197a1b2c3d4e5f60718293a4b5c6d7e",
      mpesa_amount: null,
      ledger_amount: 70,
    },
  ],
};

export const statementPaths: Paths = {
  "/v1/statements": {
    get: operation({
      id: "listStatements",
      tag,
      summary: "List daily statements",
      description:
        "A statement for each day on which you were paid or paid out, newest first: M-Pesa's own report beside your books, and each difference by name. A day's is made about an hour after midnight, or once M-Pesa has told the whole day.",
      scope: "full",
      query: statementsQuery,
      answers: {
        200: {
          schema: succeeded({
            statements: z.array(statementSchema),
            count,
            has_more: z.boolean(),
            next_cursor: text.nullable(),
          }),
          example: { success: true, statements: [example], count: 1, has_more: false, next_cursor: null },
        },
      },
    }),
  },
  "/v1/statements/{day}": {
    get: operation({
      id: "getStatement",
      tag,
      summary: "Get a day's statement",
      scope: "full",
      path: z.object({
        day: text.meta({ description: "A date, such as 2026-11-24", example: "2026-11-24" }),
      }),
      answers: {
        200: {
          schema: succeeded({ statement: statementSchema }),
          example: { success: true, statement: example },
        },
      },
    }),
  },
};
