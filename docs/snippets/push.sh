curl "$SMARTPAY_URL/v1/stk/push" \
  -H "Authorization: Bearer $SMARTPAY_KEY" \
  -H "Content-Type: application/json" \
  -H "Idempotency-Key: order-$(date +%s)" \
  -d '{"phone":"254700000000","amount":150,"account_reference":"ORDER_101"}'
