curl -X PUT "$SMARTPAY_URL/v1/keys/$KEY_ID/notifications" \
  -H "Authorization: Bearer $SMARTPAY_KEY" \
  -H "Content-Type: application/json" \
  -d '{"notify_email":"payments@myapp.com","notify_phone":"254712345678"}'
