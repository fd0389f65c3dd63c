// `npm run operator:remove -- --email jane@example.com --reason "Has left."`: ends what an operator may do, at once.
import { parseArgs } from "node:util";
import { fail, post } from "./operator-api.mjs";

const { values } = parseArgs({ options: { email: { type: "string" }, reason: { type: "string" } } });
if (!values.email || !values.reason) {
  fail('Usage: npm run operator:remove -- --email jane@example.com --reason "Has left."');
}
const { email, reason } = values;
const { message } = await post("/operators/remove", { email, reason }, "Nobody was removed");
console.log(message);
