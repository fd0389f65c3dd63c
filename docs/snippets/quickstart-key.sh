curl "$SMARTPAY_URL/v1/keys" \
  -H "Authorization: Bearer $SMARTPAY_KEY" \
  -H "Content-Type: application/json" \
  -d '{"name":"Production App"}'
