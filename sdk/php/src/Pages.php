<?php

declare(strict_types=1);

namespace SmartPay;

final class Pages
{
    /**
     * Everything of a list, read page by page as it is asked for. A page may be short, even empty, before the last.
     *
     * @param callable(?string): Answer $read reads the page at a cursor
     * @return \Generator<int, array<string, mixed>>
     */
    public static function items(callable $read, string $name): \Generator
    {
        $cursor = null;
        do {
            $page = $read($cursor);
            foreach ($page[$name] as $item) {
                yield $item;
            }
            $cursor = $page['has_more'] ? $page['next_cursor'] : null;
        } while ($cursor !== null);
    }
}
