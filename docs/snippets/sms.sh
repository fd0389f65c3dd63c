curl "$SMARTPAY_URL/v1/sms/" \
  -H "X-API-Key: $SMARTPAY_KEY" \
  -H "Content-Type: application/json" \
  -d '{"phone":"0712345678","message":"Hello from SmartPay!"}'
