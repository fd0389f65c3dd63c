curl "$SMARTPAY_URL/v1/account/withdrawals" \
  -H "Authorization: Bearer $SMARTPAY_KEY" \
  -H "Content-Type: application/json" \
  -H "Idempotency-Key: withdrawal-1" \
  -d '{"amount":100,"phone":"254712345678"}'
