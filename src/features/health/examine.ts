import type { Db } from "../../db/client.ts";
import type { Config } from "../../env.ts";
import { type Clock, HOUR_MS } from "../../lib/clock.ts";
import type { DarajaHealthPort, DarajaStatementPort } from "../../upstreams/daraja/port.ts";
import { cronFault } from "./cron.ts";
import { type ProbeDeps, probeQueues } from "./probe.ts";
import { appliedMigrations, lastRunOfCron } from "./store.ts";

export type ExamineDeps = ProbeDeps & {
  db: Db;
  now: Clock;
  config: Config;
  darajaHealth: DarajaHealthPort;
  darajaStatement: DarajaStatementPort;
};

/** `ok` null: it could not be found out. */
export type Finding = { name: string; ok: boolean | null; detail: string };

/** Words that Daraja refuses in a callback URL, in any case. */
const REFUSED_WORDS = ["m-pesa", "mpesa", "safaricom", "exe", "exec", "cmd", "sql", "query", "ngrok"];

/** M-Pesa's password holds the time; a clock off by more than this has been seen to be refused. */
const CLOCK_TOLERANCE_MS = 60_000;

/** Looks at everything that has to be right before the first payment, from inside the gateway. */
export async function examine(deps: ExamineDeps) {
  const { config } = deps;
  const credentials = await credentialsFinding(deps);
  const [passkey, statement, clock, cron, migrations, queues] = await Promise.all([
    passkeyFinding(deps),
    statementFinding(deps),
    clockFinding(deps),
    cronFinding(deps),
    // Not "none is applied", which would be another trouble.
    appliedMigrations(deps.db).catch(() => null),
    probeQueues(deps),
  ]);
  const findings: Finding[] = [
    credentials,
    passkey,
    statement,
    urlFinding(config.publicBaseUrl),
    clock,
    cron,
    ...Object.entries(queues).map(([name, fault]) => ({
      name: `queue_${name}`,
      ok: fault === undefined,
      detail: fault ?? "a probe came through",
    })),
    ...initiatorFindings(deps),
    ...optionalFindings(config),
  ];
  return { findings, migrations };
}

async function credentialsFinding({ darajaHealth }: ExamineDeps): Promise<Finding> {
  const fault = await darajaHealth.credentialsFault();
  return { name: "credentials", ok: fault === undefined, detail: fault ?? "Daraja gave an access token" };
}

async function passkeyFinding({ darajaHealth }: ExamineDeps): Promise<Finding> {
  const { kind, detail } = await darajaHealth.passkey();
  return { name: "passkey", ok: kind === "no_answer" ? null : kind === "right", detail };
}

/** None where no initiator is set. */
function initiatorFindings({ config, darajaHealth }: ExamineDeps): Finding[] {
  if (!config.daraja.initiator) return [];
  const fault = darajaHealth.initiatorFault();
  const detail =
    fault ?? "a security credential for payouts can be made; the first payout tells whether M-Pesa takes it";
  return [{ name: "initiator", ok: fault === undefined, detail }];
}

/** A gateway takes payments without it, so what it lacks is no fault. */
async function statementFinding({ darajaStatement, now }: ExamineDeps): Promise<Finding> {
  const answer = await darajaStatement.pull({ from: now() - HOUR_MS, to: now() }, 0);
  if (answer.kind === "no_answer") return { name: "statement", ok: null, detail: answer.detail };
  return { name: "statement", ok: true, detail: "M-Pesa told what was paid in the last hour" };
}

async function clockFinding({ darajaHealth }: ExamineDeps): Promise<Finding> {
  const ahead = await darajaHealth.clockAheadMs().catch(() => undefined);
  if (ahead === undefined) return { name: "clock", ok: null, detail: "Daraja's answer names no time" };
  return {
    name: "clock",
    ok: Math.abs(ahead) <= CLOCK_TOLERANCE_MS,
    detail: `the gateway's clock is ${Math.round(Math.abs(ahead) / 1_000)} s ${ahead < 0 ? "behind" : "ahead of"} Daraja's`,
  };
}

async function cronFinding({ db, now }: ExamineDeps): Promise<Finding> {
  const name = "cron";
  const lastRun = await lastRunOfCron(db).catch(() => undefined);
  if (lastRun === undefined) return { name, ok: null, detail: "the database did not tell when it ran" };
  if (lastRun === null)
    return { name, ok: null, detail: "it has not run yet; it does within a minute or two" };
  const fault = cronFault(lastRun, now());
  return { name, ok: fault === undefined, detail: fault ?? "it runs" };
}

function urlFinding(publicBaseUrl: string): Finding {
  const found = REFUSED_WORDS.filter((word) => publicBaseUrl.toLowerCase().includes(word));
  return {
    name: "callback_words",
    ok: found.length === 0,
    detail:
      found.length === 0
        ? "the callback URLs hold no word that Daraja refuses"
        : `Daraja refuses callback URLs with ${found.map((word) => `"${word}"`).join(" and ")}: ${publicBaseUrl}`,
  };
}

/** What a gateway can do without, and its operator should know. */
function optionalFindings({ daraja, payoutsPaused, sms, operatorEmail }: Config): Finding[] {
  const findings: Finding[] = [];
  const missing = (name: string, detail: string) => findings.push({ name, ok: null, detail });
  if (!daraja.initiator) missing("payouts", "no initiator is set: withdrawals and payouts wait");
  if (payoutsPaused) missing("payouts", "PAYOUTS_PAUSED is set: withdrawals and payouts wait");
  if (!sms) missing("sms", "no SMS gateway is set: SMS and phone verification are refused");
  if (!operatorEmail)
    missing("operator_email", "OPERATOR_EMAIL is not set: the log alone is told of troubles");
  return findings;
}
