<?php

/** For projects without Composer: `require 'path/to/smartpay/autoload.php';` */

declare(strict_types=1);

spl_autoload_register(static function (string $class): void {
    if (!str_starts_with($class, 'SmartPay\\')) {
        return;
    }
    $file = __DIR__ . '/src/' . str_replace('\\', '/', substr($class, strlen('SmartPay\\'))) . '.php';
    if (is_file($file)) {
        require $file;
    }
});
