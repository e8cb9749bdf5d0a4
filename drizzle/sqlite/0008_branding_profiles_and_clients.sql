CREATE TABLE `branding` (
	`id` text PRIMARY KEY NOT NULL,
	`version` integer NOT NULL,
	`fields` text NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
DROP INDEX `application_sessions_application`;--> statement-breakpoint
ALTER TABLE `application_sessions` ADD `dpop_key` text;--> statement-breakpoint
CREATE INDEX `application_sessions_application_account` ON `application_sessions` (`application_id`,`account_id`,`id`);--> statement-breakpoint
ALTER TABLE `accounts` ADD `time_zone` text;--> statement-breakpoint
ALTER TABLE `applications` ADD `cors_origins` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `applications` ADD `logo_uri` text;--> statement-breakpoint
ALTER TABLE `applications` ADD `jwks` text;--> statement-breakpoint
ALTER TABLE `applications` ADD `jwks_uri` text;--> statement-breakpoint
ALTER TABLE `applications` ADD `requires_dpop` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `applications` ADD `disabled_at` integer;--> statement-breakpoint
ALTER TABLE `passkeys` ADD `aaguid` text;--> statement-breakpoint
CREATE INDEX `audit_ip` ON `audit` (`ip`,`at`,`ordinal`,`id`) WHERE ip is not null;