CREATE TABLE `alerts` (
	`kind` text PRIMARY KEY NOT NULL,
	`detail` text NOT NULL,
	`since` integer NOT NULL,
	`last_seen_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `audit_log` (
	`id` integer PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`actor` text NOT NULL,
	`action` text NOT NULL,
	`subject` text NOT NULL,
	`reason` text NOT NULL,
	`detail` text NOT NULL,
	`once` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `audit_log_once_unique` ON `audit_log` (`once`);--> statement-breakpoint
CREATE INDEX `audit_log_subject` ON `audit_log` (`subject`,`id`);--> statement-breakpoint
CREATE TABLE `dead_letters` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`subject` text NOT NULL,
	`body` text NOT NULL,
	`died_at` integer NOT NULL,
	`replayed_at` integer
);
--> statement-breakpoint
CREATE INDEX `dead_letters_open` ON `dead_letters` (`died_at`) WHERE "dead_letters"."replayed_at" is null;--> statement-breakpoint
CREATE TABLE `float_balances` (
	`account` text PRIMARY KEY NOT NULL,
	`amount` integer NOT NULL,
	`reported_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `minute_figures` (
	`minute` integer NOT NULL,
	`name` text NOT NULL,
	`count` integer NOT NULL,
	`failed` integer DEFAULT 0 NOT NULL,
	`total_ms` integer DEFAULT 0 NOT NULL,
	`max_ms` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`minute`, `name`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `rulings` (
	`id` text PRIMARY KEY NOT NULL,
	`subject` text NOT NULL,
	`kind` text NOT NULL,
	`merchant_id` integer NOT NULL,
	`reference` text NOT NULL,
	`callback_id` text,
	`decision` text NOT NULL,
	`receipt` text,
	`attach_to` text,
	`attach_to_merchant_id` integer,
	`attempt` integer,
	`reason` text NOT NULL,
	`status` text NOT NULL,
	`outcome` text,
	`proposed_by` text NOT NULL,
	`proposed_at` integer NOT NULL,
	`decided_by` text,
	`decided_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `rulings_proposed` ON `rulings` (`subject`) WHERE "rulings"."status" = 'proposed';--> statement-breakpoint
CREATE INDEX `notices_failed` ON `notices` (`created_at`) WHERE "notices"."status" = 'failed';--> statement-breakpoint
CREATE INDEX `webhook_deliveries_given_up` ON `webhook_deliveries` (`created_at`) WHERE "webhook_deliveries"."status" = 'failed';--> statement-breakpoint
CREATE TRIGGER `audit_log_no_update` BEFORE UPDATE ON `audit_log` BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;--> statement-breakpoint
CREATE TRIGGER `audit_log_no_delete` BEFORE DELETE ON `audit_log` BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;--> statement-breakpoint
CREATE TRIGGER `audit_log_no_replace` BEFORE INSERT ON `audit_log` WHEN EXISTS (SELECT 1 FROM `audit_log` WHERE `id` = NEW.`id`) BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
