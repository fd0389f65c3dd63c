<?php

declare(strict_types=1);

namespace SmartPay\Resource;

use SmartPay\Answer;
use SmartPay\Transport;

final class Plans
{
    public function __construct(private readonly Transport $transport)
    {
    }

    public function list(): Answer
    {
        return $this->transport->get('/v1/plans');
    }
}
