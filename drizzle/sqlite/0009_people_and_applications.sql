CREATE TABLE `pictures` (
	`id` text PRIMARY KEY NOT NULL,
	`application_id` text,
	`hash` text NOT NULL,
	`content_type` text NOT NULL,
	`body` text NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`application_id`) REFERENCES `applications`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `pictures_hash` ON `pictures` (`hash`);--> statement-breakpoint
CREATE INDEX `pictures_application` ON `pictures` (`application_id`);--> statement-breakpoint
CREATE TABLE `registration_tokens` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`token_hash` text NOT NULL,
	`uses_left` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`created_by` text,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `registration_tokens_hash` ON `registration_tokens` (`token_hash`);--> statement-breakpoint
CREATE INDEX `registration_tokens_created` ON `registration_tokens` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `registration_tokens_expires` ON `registration_tokens` (`expires_at`);--> statement-breakpoint
CREATE INDEX `registration_tokens_created_by` ON `registration_tokens` (`created_by`);--> statement-breakpoint
ALTER TABLE `accounts` ADD `metadata` text DEFAULT '{"public":{}}' NOT NULL;--> statement-breakpoint
ALTER TABLE `accounts` ADD `last_sign_in_hour` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
UPDATE `accounts` SET `last_sign_in_hour` = max(coalesce((SELECT max(`created_at`) FROM `sessions` WHERE `account_id` = `accounts`.`id`), 0), coalesce((SELECT max(`last_used_at`) FROM `identities` WHERE `account_id` = `accounts`.`id`), 0)) / 3600000;--> statement-breakpoint
ALTER TABLE `accounts` ADD `invited_at` integer;--> statement-breakpoint
ALTER TABLE `accounts` ADD `invitation_expires_at` integer;--> statement-breakpoint
CREATE INDEX `accounts_invited` ON `accounts` (`created_at`,`id`) WHERE invited_at is not null;--> statement-breakpoint
CREATE INDEX `accounts_last_sign_in` ON `accounts` (`last_sign_in_hour`,`id`);--> statement-breakpoint
ALTER TABLE `application_consents` ADD `document_hash` text;--> statement-breakpoint
ALTER TABLE `applications` ADD `logo` text;--> statement-breakpoint
ALTER TABLE `applications` ADD `subject_type` text DEFAULT 'public' NOT NULL;--> statement-breakpoint
ALTER TABLE `applications` ADD `sector_identifier_uri` text;--> statement-breakpoint
ALTER TABLE `applications` ADD `source` text DEFAULT 'administrator' NOT NULL;--> statement-breakpoint
ALTER TABLE `applications` ADD `registration_hash` text;--> statement-breakpoint
ALTER TABLE `applications` ADD `document_hash` text;--> statement-breakpoint
ALTER TABLE `applications` ADD `document_read_at` integer;--> statement-breakpoint
CREATE INDEX `applications_source` ON `applications` (`source`,`last_used_at`,`created_at`);--> statement-breakpoint
CREATE INDEX `identities_provider_account` ON `identities` (`provider`,`account_id`);