DROP INDEX `application_sessions_application`;--> statement-breakpoint
CREATE INDEX `application_sessions_application_account` ON `application_sessions` (`application_id`,`account_id`,`id`);--> statement-breakpoint
ALTER TABLE `applications` ADD `cors_origins` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `applications` ADD `logo_uri` text;--> statement-breakpoint
ALTER TABLE `applications` ADD `disabled_at` integer;