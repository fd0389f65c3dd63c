// `npm run operator:remove -- --env production --email jane@example.com --reason "Has left."`: ends what an
// operator may do, at once. Without --env: the gateway at GATEWAY_URL, or the one that `npm start` runs.
import { parseArgs } from "node:util";
import { ENV, fail, operatorApi } from "./operator-api.mjs";

const { values } = parseArgs({ options: { ...ENV, email: { type: "string" }, reason: { type: "string" } } });
if (!values.email || !values.reason) {
  fail(
    'Usage: npm run operator:remove -- [--env production|sandbox] --email jane@example.com --reason "Has left."',
  );
}
const { email, reason } = values;
const { post } = operatorApi(values.env);
const { message } = await post("/operators/remove", { email, reason }, "Nobody was removed");
console.log(message);
