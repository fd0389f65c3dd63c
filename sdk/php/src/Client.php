<?php

declare(strict_types=1);

namespace SmartPay;

use SmartPay\Resource\Account;
use SmartPay\Resource\Keys;
use SmartPay\Resource\Payouts;
use SmartPay\Resource\Plans;
use SmartPay\Resource\Sms;
use SmartPay\Resource\Statements;
use SmartPay\Resource\Stk;
use SmartPay\Resource\Transactions;
use SmartPay\Resource\Webhooks;
use SmartPay\Resource\Withdrawals;

/** A gateway, with the key of one of your accounts. Each call throws ApiException or ConnectionException. */
final class Client
{
    public readonly Stk $stk;
    public readonly Transactions $transactions;
    public readonly Payouts $payouts;
    public readonly Statements $statements;
    public readonly Withdrawals $withdrawals;
    public readonly Account $account;
    public readonly Keys $keys;
    public readonly Plans $plans;
    public readonly Sms $sms;
    public readonly Webhooks $webhooks;
    private readonly Transport $transport;

    /**
     * @param string $baseUrl your gateway's address, such as `https://pay.example.com`
     * @param string $apiKey 64 hex characters; keep it on your server
     * @param float $timeoutSeconds of each attempt; a wait for the customer comes on top
     * @param int $maxRetries further attempts after the first
     * @param int $maxRetryAfter seconds; where the gateway asks for a longer pause, the call fails instead
     */
    public function __construct(
        string $baseUrl,
        #[\SensitiveParameter] string $apiKey,
        float $timeoutSeconds = 30,
        int $maxRetries = 3,
        int $maxRetryAfter = 60,
    ) {
        $this->transport = new Transport($baseUrl, $apiKey, $timeoutSeconds, $maxRetries, $maxRetryAfter);
        $this->stk = new Stk($this->transport);
        $this->transactions = new Transactions($this->transport);
        $this->payouts = new Payouts($this->transport);
        $this->statements = new Statements($this->transport);
        $this->withdrawals = new Withdrawals($this->transport);
        $this->account = new Account($this->transport);
        $this->keys = new Keys($this->transport);
        $this->plans = new Plans($this->transport);
        $this->sms = new Sms($this->transport);
        $this->webhooks = new Webhooks($this->transport);
    }

    /** Whether the gateway can be reached, and what it is. */
    public function ping(): Answer
    {
        return $this->transport->get('/v1/ping');
    }
}
