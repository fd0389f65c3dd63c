import type { Child } from "hono/jsx";
import type { FormState } from "../../dashboard/forms.ts";
import { Dialog, type DialogProps, Field } from "../../dashboard/parts.tsx";

/** Why an operator does something, on a page of its own. */
export const Reason = ({ form, hint }: { form: FormState; hint: string }) => (
  <Field name="reason" label="Reason" form={form} required maxlength={500} hint={hint} />
);

/** A dialog that asks for a reason too. */
export const Act = ({ children, ...dialog }: DialogProps) => (
  <Dialog {...dialog}>
    {children}
    <label class="mb-1 block text-sm font-medium" for={`${dialog.id}-reason`}>
      Reason
    </label>
    <input id={`${dialog.id}-reason`} name="reason" class="input mb-1 w-full" required maxlength={500} />
    <p class="soft text-sm">It stands in the audit log for good.</p>
  </Dialog>
);

/** Terms and what they are, one a line. */
export const Facts = ({ of }: { of: [term: string, value: Child][] }) => (
  <dl class="grid grid-cols-[fit-content(40%)_minmax(0,1fr)] gap-x-5 gap-y-1.5">
    {of.map(([term, value]) => (
      <>
        <dt class="soft">{term}</dt>
        <dd class="min-w-0">{value}</dd>
      </>
    ))}
  </dl>
);

/** Rows of a list, each two lines on a phone. */
export const Rows = ({ children }: { children: Child }) => (
  <ul class="divide-y divide-base-300">{children}</ul>
);

export const Row = ({ children, end }: { children: Child; end?: Child }) => (
  <li class="flex flex-wrap items-center gap-x-4 gap-y-1 py-2.5">
    {children}
    {end ? <div class="ml-auto flex flex-wrap gap-2">{end}</div> : null}
  </li>
);

/** Says where a list was cut. */
export const Cut = ({ count, at }: { count: number; at: number }) =>
  count < at ? null : <p class="soft mt-2 text-sm">{`These are the first ${at}; there may be more.`}</p>;

/** `3 min ago`; the exact time is for machines and for those who hover. */
export function ago(ms: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - ms) / 1_000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  return seconds < 129_600 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`;
}
