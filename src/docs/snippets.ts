import list from "../../docs/snippets/list.mjs";
import pushNode from "../../docs/snippets/push.mjs";
import pushPhp from "../../docs/snippets/push.php";
import pushPython from "../../docs/snippets/push.py";
import pushCurl from "../../docs/snippets/push.sh";
import destination from "../../docs/snippets/quickstart-destination.sh";
import key from "../../docs/snippets/quickstart-key.sh";
import notifications from "../../docs/snippets/quickstart-notifications.sh";
import plan from "../../docs/snippets/quickstart-plan.sh";
import sms from "../../docs/snippets/sms.sh";
import status from "../../docs/snippets/status.sh";
import verifyNode from "../../docs/snippets/verify.mjs";
import verifyPhp from "../../docs/snippets/verify.php";
import verifyPython from "../../docs/snippets/verify.py";
import withdraw from "../../docs/snippets/withdraw.sh";
import phpReadme from "../../sdk/php/README.md";
import typescriptReadme from "../../sdk/typescript/README.md";

/** The code of a client's README: a payment, then a webhook's handler. */
const codeOf = (readme: string) =>
  [...readme.matchAll(/^```(?:js|php)\n(.*?)^```$/gms)].map(([, code = ""]) => code);

const [typescriptPayment = "", typescriptHandler = ""] = codeOf(typescriptReadme);
const [phpPayment = "", phpHandler = ""] = codeOf(phpReadme);

/** The files of docs/snippets and the clients' READMEs as text: a test runs what the pages show. */
export const SNIPPETS = {
  push: { curl: pushCurl, PHP: pushPhp, Node: pushNode, Python: pushPython },
  verify: { Node: verifyNode, PHP: verifyPhp, Python: verifyPython },
  key: { curl: key },
  plan: { curl: plan },
  destination: { curl: destination },
  notifications: { curl: notifications },
  status: { curl: status },
  sms: { curl: sms },
  withdraw: { curl: withdraw },
  list: { Node: list },
  client: { TypeScript: typescriptPayment, PHP: phpPayment },
  handler: { TypeScript: typescriptHandler, PHP: phpHandler },
};
