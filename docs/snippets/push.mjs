const response = await fetch(`${process.env.SMARTPAY_URL}/v1/stk/push`, {
  method: "POST",
  headers: {
    Authorization: `Bearer ${process.env.SMARTPAY_KEY}`,
    "Content-Type": "application/json",
    "Idempotency-Key": crypto.randomUUID(), // in your code: the order's number
  },
  body: JSON.stringify({ phone: "254700000000", amount: 150, account_reference: "ORDER_101" }),
});
const answer = await response.json();
if (!answer.success) throw new Error(`${answer.error_code}: ${answer.message}`);
console.log(answer.checkout_request_id); // save it with your order
