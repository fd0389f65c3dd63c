CREATE TABLE `api_keys` (
	`id` integer PRIMARY KEY NOT NULL,
	`merchant_id` integer NOT NULL,
	`name` text NOT NULL,
	`name_folded` text NOT NULL,
	`hash` text NOT NULL,
	`hint` text NOT NULL,
	`scope` text DEFAULT 'full' NOT NULL,
	`is_default` integer DEFAULT false NOT NULL,
	`destination` text DEFAULT '{"method":"wallet"}' NOT NULL,
	`callback_url` text DEFAULT '' NOT NULL,
	`webhook_secret` text NOT NULL,
	`previous_webhook_secret` text,
	`previous_webhook_secret_until` integer,
	`notify_email` text DEFAULT '' NOT NULL,
	`notify_phone` text DEFAULT '' NOT NULL,
	`plan` text,
	`calls_left` integer DEFAULT 0 NOT NULL,
	`expires_at` integer,
	`suspended_at` integer,
	`created_at` integer NOT NULL,
	`last_used_at` integer,
	`deleted_at` integer,
	`last_transaction` text,
	`started_count` integer DEFAULT 0 NOT NULL,
	`completed_count` integer DEFAULT 0 NOT NULL,
	`failed_count` integer DEFAULT 0 NOT NULL,
	FOREIGN KEY (`merchant_id`) REFERENCES `merchants`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "api_keys_calls_left" CHECK("api_keys"."calls_left" >= 0)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `api_keys_hash` ON `api_keys` (`hash`);--> statement-breakpoint
CREATE UNIQUE INDEX `api_keys_name` ON `api_keys` (`merchant_id`,`name_folded`) WHERE "api_keys"."deleted_at" is null;--> statement-breakpoint
CREATE UNIQUE INDEX `api_keys_default` ON `api_keys` (`merchant_id`) WHERE "api_keys"."is_default" = 1 and "api_keys"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX `api_keys_merchant` ON `api_keys` (`merchant_id`,`id`);--> statement-breakpoint
CREATE TABLE `idempotent_answers` (
	`scope` text NOT NULL,
	`idempotency_key` text NOT NULL,
	`request_hash` text NOT NULL,
	`status` integer NOT NULL,
	`answer` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`scope`, `idempotency_key`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `inbound_callbacks` (
	`reference` text NOT NULL,
	`id` text NOT NULL,
	`merchant_id` integer NOT NULL,
	`body` text NOT NULL,
	`verdict` text,
	`open` integer DEFAULT false NOT NULL,
	`received_at` integer NOT NULL,
	PRIMARY KEY(`reference`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `inbound_callbacks_open` ON `inbound_callbacks` (`received_at`) WHERE "inbound_callbacks"."open" = 1;--> statement-breakpoint
CREATE TABLE `ledger_entries` (
	`seq` integer PRIMARY KEY NOT NULL,
	`reference` text NOT NULL,
	`kind` text NOT NULL,
	`merchant_id` integer NOT NULL,
	`debit` text NOT NULL,
	`credit` text NOT NULL,
	`amount` integer NOT NULL,
	`created_at` integer NOT NULL,
	CONSTRAINT "ledger_entries_amount" CHECK("ledger_entries"."amount" > 0),
	CONSTRAINT "ledger_entries_two_accounts" CHECK("ledger_entries"."debit" <> "ledger_entries"."credit")
);
--> statement-breakpoint
CREATE UNIQUE INDEX `ledger_entries_once` ON `ledger_entries` (`reference`,`kind`);--> statement-breakpoint
CREATE TABLE `ledger_seals` (
	`id` integer PRIMARY KEY NOT NULL,
	`from_seq` integer NOT NULL,
	`to_seq` integer NOT NULL,
	`hash` text NOT NULL,
	`previous_hash` text NOT NULL,
	`sealed_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `merchants` (
	`id` integer PRIMARY KEY NOT NULL,
	`fullname` text NOT NULL,
	`email` text NOT NULL,
	`phone` text,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `notices` (
	`id` text PRIMARY KEY NOT NULL,
	`merchant_id` integer,
	`channel` text NOT NULL,
	`recipient` text NOT NULL,
	`subject` text NOT NULL,
	`body` text NOT NULL,
	`status` text DEFAULT 'queued' NOT NULL,
	`attempt_count` integer DEFAULT 0 NOT NULL,
	`due_at` integer,
	`created_at` integer NOT NULL,
	`sent_at` integer
);
--> statement-breakpoint
CREATE INDEX `notices_due` ON `notices` (`due_at`) WHERE "notices"."due_at" is not null;--> statement-breakpoint
CREATE TABLE `payouts` (
	`merchant_id` integer NOT NULL,
	`id` text NOT NULL,
	`transaction_id` text,
	`channel` text NOT NULL,
	`destination` text NOT NULL,
	`target` text NOT NULL,
	`amount` integer NOT NULL,
	`fee` integer DEFAULT 0 NOT NULL,
	`status` text NOT NULL,
	`attempt` integer DEFAULT 0 NOT NULL,
	`originator_id` text,
	`conversation_id` text,
	`daraja_originator_id` text,
	`receipt` text,
	`reason` text,
	`absent_count` integer DEFAULT 0 NOT NULL,
	`absent_since` integer,
	`status_query_count` integer DEFAULT 0 NOT NULL,
	`due_at` integer,
	`created_at` integer NOT NULL,
	`sent_at` integer,
	`finished_at` integer,
	PRIMARY KEY(`merchant_id`, `id`),
	CONSTRAINT "payouts_amount" CHECK("payouts"."amount" > 0),
	CONSTRAINT "payouts_fee" CHECK("payouts"."fee" >= 0)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `payouts_due` ON `payouts` (`due_at`) WHERE "payouts"."due_at" is not null;--> statement-breakpoint
CREATE INDEX `payouts_unclear` ON `payouts` (`target`) WHERE "payouts"."status" = 'sending';--> statement-breakpoint
CREATE UNIQUE INDEX `payouts_transaction` ON `payouts` (`transaction_id`) WHERE "payouts"."transaction_id" is not null;--> statement-breakpoint
CREATE TABLE `sms_messages` (
	`merchant_id` integer NOT NULL,
	`id` text NOT NULL,
	`key_id` integer,
	`phone` text NOT NULL,
	`message` text NOT NULL,
	`parts` integer NOT NULL,
	`cost` integer NOT NULL,
	`encoding` text NOT NULL,
	`status` text NOT NULL,
	`provider_id` text,
	`failure_reason` text,
	`due_at` integer,
	`created_at` integer NOT NULL,
	`sent_at` integer,
	PRIMARY KEY(`merchant_id`, `id`),
	CONSTRAINT "sms_messages_cost" CHECK("sms_messages"."cost" > 0)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `sms_messages_due` ON `sms_messages` (`due_at`) WHERE "sms_messages"."due_at" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX `sms_messages_provider` ON `sms_messages` (`provider_id`) WHERE "sms_messages"."provider_id" is not null;--> statement-breakpoint
CREATE TABLE `transactions` (
	`merchant_id` integer NOT NULL,
	`id` text NOT NULL,
	`key_id` integer NOT NULL,
	`phone` text NOT NULL,
	`amount` integer NOT NULL,
	`account_reference` text NOT NULL,
	`description` text NOT NULL,
	`destination` text NOT NULL,
	`callback_url` text NOT NULL,
	`routing` text NOT NULL,
	`metadata` text,
	`purchase` text,
	`idempotency_key` text,
	`request_hash` text,
	`status` text DEFAULT 'pending' NOT NULL,
	`acknowledgement` text,
	`checkout_request_id` text,
	`merchant_request_id` text,
	`result_code` text,
	`result_desc` text,
	`mpesa_receipt` text,
	`query_count` integer DEFAULT 0 NOT NULL,
	`query_failure_code` text,
	`query_failure_at` integer,
	`due_at` integer,
	`created_at` integer NOT NULL,
	`completed_at` integer,
	`reversed_at` integer,
	PRIMARY KEY(`merchant_id`, `id`),
	CONSTRAINT "transactions_amount" CHECK("transactions"."amount" between 1 and 300000),
	CONSTRAINT "transactions_receipt_needs_completion" CHECK("transactions"."mpesa_receipt" is null or "transactions"."status" = 'completed')
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `transactions_due` ON `transactions` (`due_at`) WHERE "transactions"."due_at" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX `transactions_idempotency` ON `transactions` (`key_id`,`idempotency_key`) WHERE "transactions"."idempotency_key" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX `transactions_checkout` ON `transactions` (`checkout_request_id`) WHERE "transactions"."checkout_request_id" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX `transactions_receipt` ON `transactions` (`mpesa_receipt`) WHERE "transactions"."mpesa_receipt" is not null;--> statement-breakpoint
CREATE TABLE `verified_phones` (
	`phone` text PRIMARY KEY NOT NULL,
	`merchant_id` integer NOT NULL,
	`verified_at` integer NOT NULL,
	FOREIGN KEY (`merchant_id`) REFERENCES `merchants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `wallets` (
	`merchant_id` integer PRIMARY KEY NOT NULL,
	`balance` integer DEFAULT 0 NOT NULL,
	`held` integer DEFAULT 0 NOT NULL,
	`owed` integer DEFAULT 0 NOT NULL,
	`sms_credits` integer DEFAULT 0 NOT NULL,
	FOREIGN KEY (`merchant_id`) REFERENCES `merchants`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "wallets_balance" CHECK("wallets"."balance" >= 0),
	CONSTRAINT "wallets_held" CHECK("wallets"."held" >= 0),
	CONSTRAINT "wallets_owed" CHECK("wallets"."owed" >= 0),
	CONSTRAINT "wallets_sms_credits" CHECK("wallets"."sms_credits" >= 0)
);
--> statement-breakpoint
CREATE TABLE `webhook_deliveries` (
	`merchant_id` integer NOT NULL,
	`id` text NOT NULL,
	`key_id` integer NOT NULL,
	`transaction_id` text,
	`url` text NOT NULL,
	`body` text NOT NULL,
	`status` text DEFAULT 'pending' NOT NULL,
	`attempt_count` integer DEFAULT 0 NOT NULL,
	`attempts` text DEFAULT '[]' NOT NULL,
	`due_at` integer,
	`created_at` integer NOT NULL,
	`delivered_at` integer,
	PRIMARY KEY(`merchant_id`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `webhook_deliveries_due` ON `webhook_deliveries` (`due_at`) WHERE "webhook_deliveries"."due_at" is not null;