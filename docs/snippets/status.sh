curl "$SMARTPAY_URL/v1/transactions/$CHECKOUT_REQUEST_ID" \
  -H "Authorization: Bearer $SMARTPAY_KEY"
