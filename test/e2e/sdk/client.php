<?php

/** Makes calls of the PHP client and prints what came of each: `client.php '{"settings", "calls": [[name, args, options]]}'`. */

declare(strict_types=1);

require __DIR__ . '/../../../sdk/php/autoload.php';

function made(SmartPay\Client $client, string $name, array $args, array $options): array
{
    try {
        [$noun, $verb] = [...explode('.', $name), null];
        $answer = match (true) {
            $name === 'readWebhook' => SmartPay\Webhook::read(...$args),
            $verb === null => $client->$noun(...$args, ...$options),
            default => $client->$noun->$verb(...$args, ...$options),
        };
    } catch (SmartPay\Exception\SmartPayException $error) {
        $kind = str_replace('Exception', 'Error', (new ReflectionClass($error))->getShortName());
        return ['error' => ['kind' => $kind, 'message' => $error->getMessage()] + get_object_vars($error)];
    }
    if ($answer instanceof SmartPay\Answer) {
        $how = ['status' => $answer->status, 'requestId' => $answer->requestId, 'isReplayed' => $answer->isReplayed];
        return ['value' => $answer, 'http' => $how];
    }
    return ['value' => $answer instanceof Generator ? iterator_to_array($answer, false) : $answer];
}

['settings' => $settings, 'calls' => $calls] = json_decode($argv[1], true);
$client = new SmartPay\Client(...$settings);
echo json_encode(array_map(fn (array $call): array => made($client, ...$call), $calls));
