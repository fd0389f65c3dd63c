import json
import os
import urllib.request
import uuid

request = urllib.request.Request(
    os.environ["SMARTPAY_URL"] + "/v1/stk/push",
    headers={
        "Authorization": "Bearer " + os.environ["SMARTPAY_KEY"],
        "Content-Type": "application/json",
        "Idempotency-Key": str(uuid.uuid4()),  # in your code: the order's number
    },
    data=json.dumps(
        {"phone": "254700000000", "amount": 150, "account_reference": "ORDER_101"}
    ).encode(),
)
with urllib.request.urlopen(request) as response:  # raises for an error's status
    answer = json.load(response)
print(answer["checkout_request_id"])  # save it with your order
