// `npm start`: the gateway and the simulator together, ready to take a payment.
// Settings: PORT, SIMULATOR_PORT, STATE_DIR, and every setting of the gateway (README, "Settings").
import { join, resolve } from "node:path";
import { Local, root } from "./local.mjs";
import { isFree } from "./ports.mjs";

const { env } = process;
const port = portOf("PORT", 8787);
const simulatorPort = portOf("SIMULATOR_PORT", 8788);
if (port === simulatorPort) refuse(`PORT and SIMULATOR_PORT are both ${port}: give each its own.`);

function refuse(message) {
  console.error(`\n${message}\n`);
  process.exit(1);
}

function portOf(name, byDefault) {
  const text = env[name] || String(byDefault);
  if (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535) return Number(text);
  return refuse(`${name}: must be a whole number from 1 to 65535, and is "${text}".`);
}

/** The demo merchant, whose key is shown at every start. */
const DEMO = {
  fullname: "Demo Merchant",
  email: "demo@smartpay.example",
  verified_phone: "254712345678",
  plan: "Professional",
  sms_credits: 100,
};

for (const [name, number] of Object.entries({ PORT: port, SIMULATOR_PORT: simulatorPort })) {
  if (await isFree(number)) continue;
  refuse(
    `Port ${number} is taken by another program. Stop that program, or choose another port:\n` +
      `  ${name}=${number + 100} npm start`,
  );
}

const stop = (code) => local.stop().then(() => process.exit(code));
const fail = (message) => {
  console.error(`\n${message}\n`);
  return stop(1);
};
const stateDir = resolve(env.STATE_DIR ?? join(root, ".state"));
const local = new Local({ port, simulatorPort, stateDir, env, onFailure: fail });
process.on("SIGINT", () => stop(0));
process.on("SIGTERM", () => stop(0));

async function demoKey() {
  if (local.secrets.demoKey) return local.secrets.demoKey;
  const response = await fetch(`${local.gatewayUrl}/operator/v1/merchants`, {
    method: "POST",
    headers: { Authorization: `Bearer ${local.operatorToken}`, "Content-Type": "application/json" },
    body: JSON.stringify(DEMO),
  }).catch(({ cause }) => local.giveUp(`The demo merchant could not be made: ${cause?.message}`));
  const answer = await response.json();
  if (!response.ok) return local.giveUp(`The demo merchant could not be made: ${answer.message}`);
  local.secrets.demoKey = answer.key.api_key;
  local.saveSecrets();
  return local.secrets.demoKey;
}

await local.start();
const key = await demoKey();

console.log(`
SmartPay is running.

  Gateway         ${local.gatewayUrl}
  Dashboard       ${local.gatewayUrl}/dashboard
  Documentation   ${local.gatewayUrl}/docs
  Phone           ${local.simulatorUrl}

Demo API key: ${key}
Operator token: ${local.operatorToken}

Your first payment (this number pays by itself):

  curl ${local.gatewayUrl}/v1/stk/push \\
    -H "Authorization: Bearer ${key}" \\
    -H "Content-Type: application/json" \\
    -d '{"phone":"254700000000","amount":150,"account_reference":"ORDER_101"}'

Ctrl-C ends both.
`);
await local.keepTicking();
