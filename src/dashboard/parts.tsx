import type { Child } from "hono/jsx";
import { eastAfricaTime } from "../lib/clock.ts";
import { randomHex } from "../lib/hash.ts";
import { localPhone, type Msisdn } from "../lib/msisdn.ts";
import { EMPTY_FORM, type FormState } from "./forms.ts";

/** `KES 44,700`. */
export const kes = (amount: number) => `KES ${amount.toLocaleString("en-KE")}`;

export const whole = (value: number) => value.toLocaleString("en-KE");

/** `24 Nov 2026, 14:05`, the time in Kenya. */
export function kenyaTime(ms: number): string {
  const [day = "", time = ""] = eastAfricaTime(ms).split(" ");
  return `${kenyaDay(day)}, ${time.slice(0, 5)}`;
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** `24 Nov 2026` for `2026-11-24`. */
export function kenyaDay(day: string): string {
  const [year, month, date] = day.split("-").map(Number);
  return `${date} ${MONTHS[(month ?? 1) - 1]} ${year}`;
}

export const When = ({ at }: { at: number | null }) =>
  at === null ? (
    <span class="soft">–</span>
  ) : (
    <time datetime={new Date(at).toISOString()} class="whitespace-nowrap">
      {kenyaTime(at)}
    </time>
  );

export { localPhone };

export const PageHead = ({ title, lead, children }: { title: string; lead?: Child; children?: Child }) => (
  <div class="mb-6 flex flex-wrap items-start justify-between gap-3">
    <div>
      <h1>{title}</h1>
      {lead ? <p class="soft mt-1 max-w-2xl">{lead}</p> : null}
    </div>
    {children ? <div class="flex flex-wrap gap-2">{children}</div> : null}
  </div>
);

export const Panel = ({ title, children, id }: { title?: string; children: Child; id?: string }) => (
  <section class="panel" id={id}>
    {title ? <h2 class="mb-3">{title}</h2> : null}
    {children}
  </section>
);

type Tone = "info" | "success" | "warning" | "error";

const ALERTS: Record<Tone, string> = {
  info: "alert-info",
  success: "alert-success",
  warning: "alert-warning",
  error: "alert-error",
};

type AlertProps = { tone: Tone; children: Child; autofocus?: boolean };

export const Alert = ({ tone, children, autofocus = false }: AlertProps) => (
  <div
    class={`alert ${ALERTS[tone]} mb-4 items-start text-left outline-none`}
    role={tone === "error" ? "alert" : "status"}
    {...(autofocus ? { tabindex: -1, autofocus } : {})}
  >
    <div>{children}</div>
  </div>
);

const BADGES: Record<Tone | "neutral", string> = {
  info: "badge-info",
  success: "badge-success",
  warning: "badge-warning",
  error: "badge-error",
  neutral: "badge-outline border-base-300",
};

export const Badge = ({ tone, children }: { tone: Tone | "neutral"; children: Child }) => (
  <span class={`badge badge-sm ${BADGES[tone]} whitespace-nowrap`}>{children}</span>
);

type InputProps = {
  name: string;
  label: string;
  form: FormState;
  type?: string;
  hint?: Child;
  value?: string | undefined;
  required?: boolean;
  autocomplete?: string;
  inputmode?: "numeric" | "tel" | "email" | "text";
  placeholder?: string;
  maxlength?: number;
  autofocus?: boolean;
};

/** A labelled field, with what is wrong with it, if anything. */
export const Field = ({ name, label, form, hint, value, ...input }: InputProps) => {
  const error = form.errors.find(({ field }) => field === name)?.message;
  const notes = [hint ? `${name}-hint` : "", error ? `${name}-error` : ""].filter(Boolean).join(" ");
  return (
    <div class="mb-4">
      <label class="mb-1 block text-sm font-medium" for={name}>
        {label}
      </label>
      <input
        {...input}
        id={name}
        name={name}
        value={form.values[name] ?? value}
        class={`input w-full ${error ? "border-red-700 dark:border-red-300" : ""}`}
        aria-invalid={error ? "true" : undefined}
        aria-describedby={notes || undefined}
      />
      {hint ? (
        <p class="soft mt-1 text-sm" id={`${name}-hint`}>
          {hint}
        </p>
      ) : null}
      {error ? (
        <p class="mt-1 text-sm text-red-700 dark:text-red-300" id={`${name}-error`}>
          {error}
        </p>
      ) : null}
    </div>
  );
};

type SelectProps = {
  name: string;
  label: string;
  form: FormState;
  options: { value: string; label: string }[];
  value?: string | undefined;
  hint?: Child;
};

export const Select = ({ name, label, form, options, value, hint }: SelectProps) => {
  const chosen = form.values[name] ?? value;
  const error = form.errors.find(({ field }) => field === name)?.message;
  return (
    <div class="mb-4">
      <label class="mb-1 block text-sm font-medium" for={name}>
        {label}
      </label>
      <select id={name} name={name} class="select w-full">
        {options.map((option) => (
          <option value={option.value} selected={option.value === chosen}>
            {option.label}
          </option>
        ))}
      </select>
      {hint ? <p class="soft mt-1 text-sm">{hint}</p> : null}
      {error ? <p class="mt-1 text-sm text-red-700 dark:text-red-300">{error}</p> : null}
    </div>
  );
};

/** What is wrong with the form as a whole. It has the focus, so that the page opens there, however far down. */
export const FormTrouble = ({ form }: { form: FormState }) =>
  form.message ? (
    <Alert tone="error" autofocus>
      {form.message}
    </Alert>
  ) : null;

export const Submit = ({ children, wide = false }: { children: Child; wide?: boolean }) => (
  <button class={`btn btn-primary ${wide ? "w-full" : ""}`} type="submit">
    {children}
  </button>
);

/** A text to be taken along, with a button that copies it. */
export const Copyable = ({ id, label, value }: { id: string; label: string; value: string }) => (
  <div class="mb-4">
    <label class="mb-1 block text-sm font-medium" for={id}>
      {label}
    </label>
    <div class="flex gap-2">
      <input id={id} class="input mono w-full min-w-0" readonly value={value} />
      <button class="btn" type="button" data-copy={id}>
        Copy
      </button>
    </div>
  </div>
);

export const Empty = ({ children }: { children: Child }) => (
  <p class="soft rounded-box border border-dashed border-base-300 px-4 py-10 text-center">{children}</p>
);

/** A figure that a page shows large. */
export const Figure = ({ label, children, note }: { label: string; children: Child; note?: Child }) => (
  <div class="panel">
    <p class="soft text-sm">{label}</p>
    <p class="figure">{children}</p>
    {note ? <p class="soft text-sm">{note}</p> : null}
  </div>
);

/** Names this showing of a form: sent twice, it acts once. */
export const Once = ({ form = EMPTY_FORM }: { form?: FormState }) => (
  <input type="hidden" name="once" value={form.values.once ?? randomHex(16)} />
);

/** The phone that is asked for the PIN of a purchase. */
export const PayFrom = ({ form, phone }: { form: FormState; phone: Msisdn | undefined }) => (
  <Field
    name="phone"
    label="Pay from"
    form={form}
    type="tel"
    value={phone ? localPhone(phone) : undefined}
    placeholder="0712 345 678"
    required
  />
);

export type DialogProps = {
  id: string;
  label: string;
  title: string;
  action: string;
  confirm: string;
  fields?: Record<string, string>;
  children?: Child;
  button?: string;
};

/** A button that opens a dialog with a form; needs no script. */
export const Dialog = ({
  id,
  label,
  title,
  action,
  confirm,
  fields = {},
  children,
  button = "btn-sm",
}: DialogProps) => (
  <>
    <button class={`btn ${button}`} type="button" popovertarget={id}>
      {label}
    </button>
    <div
      id={id}
      popover="auto"
      role="dialog"
      aria-labelledby={`${id}-title`}
      class="m-auto w-[min(28rem,92vw)] rounded-box border border-base-300 bg-base-100 p-6 text-left text-base-content shadow-xl backdrop:bg-black/40"
    >
      <h2 id={`${id}-title`} class="mb-2">
        {title}
      </h2>
      <form method="post" action={action}>
        {Object.entries(fields).map(([name, value]) => (
          <input type="hidden" name={name} value={value} />
        ))}
        <div class="mb-4">{children}</div>
        <div class="flex flex-wrap justify-end gap-2">
          <button class="btn" type="button" popovertarget={id} popovertargetaction="hide">
            Cancel
          </button>
          <button class="btn btn-primary" type="submit">
            {confirm}
          </button>
        </div>
      </form>
    </div>
  </>
);

export const SETTINGS = "/dashboard/settings";

export const BackToSettings = () => (
  <p class="mt-4 text-sm">
    <a class="quiet-link" href={SETTINGS}>
      Back to the settings
    </a>
  </p>
);
