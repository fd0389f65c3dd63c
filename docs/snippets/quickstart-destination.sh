curl -X PUT "$SMARTPAY_URL/v1/keys/$KEY_ID/destination" \
  -H "Authorization: Bearer $SMARTPAY_KEY" \
  -H "Content-Type: application/json" \
  -d '{"method":"wallet","callbackurl":"http://localhost:3000/callback"}'
