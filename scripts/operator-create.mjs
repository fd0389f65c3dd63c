// `npm run operator:create -- --env production --email jane@example.com --name "Jane"`: makes an operator, and
// prints the link by which the password is chosen. Without --env: on the gateway at GATEWAY_URL, or on the one
// that `npm start` runs. For one who is there already it prints a new link; with --reset-second-factor,
// for whoever has lost the phone and the backup codes, password and second factor are both set up anew.
import { parseArgs } from "node:util";
import { ENV, fail, operatorApi } from "./operator-api.mjs";

const { values } = parseArgs({
  options: {
    ...ENV,
    email: { type: "string" },
    name: { type: "string" },
    "reset-second-factor": { type: "boolean", default: false },
  },
});
if (!values.email || !values.name) {
  fail('Usage: npm run operator:create -- [--env production|sandbox] --email jane@example.com --name "Jane"');
}

const { email, name, "reset-second-factor": resetSecondFactor } = values;
const person = { email, name, reset_second_factor: resetSecondFactor };
const { gateway, post } = operatorApi(values.env);
const answer = await post("/operators", person, "No operator was made");

console.log(`${answer.is_new ? "The operator is made." : "There is such an operator already."}

Within an hour, and once, this link lets ${email} choose a password:

  ${answer.link}

Then sign in at ${gateway}/login. Elsewhere than on localhost the first sign-in sets up the second factor.`);
