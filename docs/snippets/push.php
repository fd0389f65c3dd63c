<?php
$ch = curl_init(getenv('SMARTPAY_URL') . '/v1/stk/push');
curl_setopt_array($ch, [
    CURLOPT_POST           => true,
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_HTTPHEADER     => [
        'Content-Type: application/json',
        'Authorization: Bearer ' . getenv('SMARTPAY_KEY'),
        'Idempotency-Key: ' . bin2hex(random_bytes(16)), // in your code: the order's number
    ],
    CURLOPT_POSTFIELDS => json_encode([
        'phone'             => '254700000000',
        'amount'            => 150,
        'account_reference' => 'ORDER_101',
    ]),
]);
$res = json_decode(curl_exec($ch));
if (!$res->success) {
    exit($res->error_code . ': ' . $res->message . PHP_EOL);
}
echo $res->checkout_request_id . PHP_EOL; // save it with your order
