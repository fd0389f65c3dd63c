import { eastAfricaTime, SECOND_MS } from "../../lib/clock.ts";
import type { DarajaHttp } from "./http.ts";
import type { DarajaStatementPort } from "./port.ts";
import { translatePull } from "./translate.ts";

const TIMEOUT_MS = 20 * SECOND_MS;

/** Pull Transactions. The shortcode has to be registered for it once, which is the operator's to do. */
export function statementClient({ config, post }: DarajaHttp): DarajaStatementPort {
  return {
    async pull({ from, to }, offset) {
      const body = {
        ShortCode: config.shortcode,
        StartDate: eastAfricaTime(from),
        EndDate: eastAfricaTime(to),
        OffSetValue: String(offset),
      };
      try {
        const answer = await post("/pulltransactions/v1/query", body, TIMEOUT_MS);
        return "noToken" in answer ? { kind: "no_answer", detail: answer.noToken } : translatePull(answer);
      } catch (error) {
        return { kind: "no_answer", detail: String(error) };
      }
    },
  };
}
