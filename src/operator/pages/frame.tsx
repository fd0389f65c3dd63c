import type { Child } from "hono/jsx";
import type { PageContext } from "../../dashboard/context.ts";
import { Frame, type NavItem, show } from "../../dashboard/layout.tsx";
import { Alert } from "../../dashboard/parts.tsx";

const NAV: NavItem[] = [
  { href: "/operator", label: "Now" },
  { href: "/operator/unclear", label: "Unclear" },
  { href: "/operator/dead-letters", label: "Given up" },
  { href: "/operator/merchants", label: "Merchants" },
  { href: "/operator/statements", label: "Statements" },
  { href: "/operator/ledger", label: "Ledger" },
  { href: "/operator/audit", label: "Audit log" },
];

const DONE: Record<string, string> = {
  suspended: "The key is suspended.",
  released: "The key is released.",
  granted: "It is given.",
  applied: "The ruling is applied.",
  withdrawn: "The proposal is taken back.",
  replayed: "It is sent again.",
  dismissed: "It is put aside.",
  reversed: "The reversal is recorded.",
  "second-factor": "Your second factor is on.",
};

/** A page of the console; `?done=` says what the form before it did. */
export function consolePage(
  c: PageContext,
  title: string,
  children: Child,
  status?: Parameters<typeof show>[2],
) {
  const done = DONE[c.req.query("done") ?? ""];
  return show(
    c,
    <Frame title={title} path={c.req.path} nav={NAV} home="/operator" who={`${c.var.user.name}, operator`}>
      {done && status === undefined ? <Alert tone="success">{done}</Alert> : null}
      {children}
    </Frame>,
    status,
  );
}

/** As whom the audit log has what is done here. */
export const by = (c: PageContext, reason: string) => ({ actor: c.var.user.id, reason });
