CREATE TABLE `progress` (
	`work` text PRIMARY KEY NOT NULL,
	`done_to` integer NOT NULL,
	`due_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `statement_lines` (
	`receipt` text PRIMARY KEY NOT NULL,
	`phone` text NOT NULL,
	`amount` integer NOT NULL,
	`reference` text NOT NULL,
	`paid_at` integer NOT NULL,
	`transaction_id` text,
	`merchant_id` integer,
	`pulled_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `statement_lines_day` ON `statement_lines` (`paid_at`);--> statement-breakpoint
CREATE INDEX `statement_lines_unmatched` ON `statement_lines` (`paid_at`) WHERE "statement_lines"."transaction_id" is null;--> statement-breakpoint
CREATE TABLE `statements` (
	`merchant_id` integer NOT NULL,
	`day` text NOT NULL,
	`body` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`merchant_id`, `day`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `transactions_without_receipt` ON `transactions` (`phone`,`created_at`) WHERE "transactions"."mpesa_receipt" is null;