import pushNode from "../../../docs/snippets/push.mjs";
import pushPhp from "../../../docs/snippets/push.php";
import pushPython from "../../../docs/snippets/push.py";
import pushCurl from "../../../docs/snippets/push.sh";
import type { StoredKey } from "../../features/keys/store.ts";
import { Alert, Copyable, PageHead, Panel } from "../parts.tsx";

/** The documentation's snippets of a push, with this gateway's address and, once, the key filled in. */
function filledIn(baseUrl: string, secret: string) {
  return {
    curl: pushCurl.replace("$SMARTPAY_URL", baseUrl).replace("$SMARTPAY_KEY", secret),
    PHP: pushPhp
      .replace("getenv('SMARTPAY_URL') . '", `'${baseUrl}`)
      .replace("' . getenv('SMARTPAY_KEY')", `${secret}'`),
    Node: pushNode
      .replace(`${"$"}{process.env.SMARTPAY_URL}`, baseUrl)
      .replace(`${"$"}{process.env.SMARTPAY_KEY}`, secret),
    Python: pushPython
      .replace('os.environ["SMARTPAY_URL"] + "', `"${baseUrl}`)
      .replace('" + os.environ["SMARTPAY_KEY"]', `${secret}"`)
      .replace("import os\n", ""),
  };
}

/** Ready to be pasted. Without `secret` the place for the key says so. */
export const Snippets = ({ baseUrl, secret = "YOUR_API_KEY" }: { baseUrl: string; secret?: string }) => (
  <>
    <p class="soft mb-3">
      Each run asks for a new payment, since its Idempotency-Key is new. In your own code make that of your
      order's number: sent twice, it is charged once.
    </p>
    <div class="join join-vertical w-full">
      {Object.entries(filledIn(baseUrl, secret)).map(([language, text], i) => (
        <details
          class="collapse collapse-arrow join-item border border-base-300"
          name="snippet"
          open={i === 0}
        >
          <summary class="collapse-title py-3 font-medium">{language}</summary>
          <div class="collapse-content">
            <pre
              class="overflow-x-auto rounded-field bg-base-200 p-3 text-sm"
              tabindex={0}
              id={`snippet-${language}`}
            >
              <code>{text.trimEnd()}</code>
            </pre>
            <button class="btn btn-sm mt-2" type="button" data-copy={`snippet-${language}`}>
              {`Copy the ${language} code`}
            </button>
          </div>
        </details>
      ))}
    </div>
  </>
);

/** The one page that shows a key. */
export const NewKey = ({
  apiKey,
  secret,
  baseUrl,
  title,
}: {
  apiKey: StoredKey;
  secret: string;
  baseUrl: string;
  title: string;
}) => (
  <>
    <PageHead
      title={title}
      lead={`This is the key “${apiKey.name}”. Copy it now: it is shown this one time.`}
    />
    <div class="grid gap-4">
      <Panel>
        <Copyable id="api-key" label="API key" value={secret} />
        <Alert tone="warning">
          Keep it in your secrets manager, never in an app, a web page or a chat. Whoever has it can send
          payment requests in your name.
        </Alert>
        <a class="btn btn-primary" href={`/dashboard/api/${apiKey.id}`}>
          I have copied it
        </a>
      </Panel>
      <Panel title="Try it">
        <p class="soft mb-3">
          With this key filled in. Replace the phone number with your own, and type your PIN.
        </p>
        <Snippets baseUrl={baseUrl} secret={secret} />
      </Panel>
    </div>
  </>
);
