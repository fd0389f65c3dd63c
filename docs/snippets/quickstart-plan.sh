curl "$SMARTPAY_URL/v1/keys/$KEY_ID/subscription" \
  -H "Authorization: Bearer $SMARTPAY_KEY" \
  -H "Content-Type: application/json" \
  -d '{"plan":"Starter","phone":"254700000000"}'
