CREATE TABLE `provider_versions` (
	`id` text PRIMARY KEY NOT NULL,
	`provider_id` text NOT NULL,
	`version` integer NOT NULL,
	`state` text NOT NULL,
	`settings` text NOT NULL,
	`secret` text,
	`secret_expires_at` integer,
	`noticed_days` integer,
	`created_by` text,
	`created_at` integer NOT NULL,
	`live_at` integer,
	`tried_at` integer,
	`trial` text,
	`trial_expires_at` integer,
	FOREIGN KEY (`provider_id`) REFERENCES `providers`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `provider_versions_provider_version` ON `provider_versions` (`provider_id`,`version`);--> statement-breakpoint
CREATE INDEX `provider_versions_created_by` ON `provider_versions` (`created_by`);--> statement-breakpoint
CREATE INDEX `provider_versions_trial` ON `provider_versions` (`trial_expires_at`);--> statement-breakpoint
CREATE TABLE `providers` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`enabled` integer NOT NULL,
	`position` integer NOT NULL,
	`revision` integer NOT NULL,
	`version` integer NOT NULL,
	`created_by` text,
	`created_at` integer NOT NULL,
	`updated_by` text,
	`updated_at` integer NOT NULL,
	`deleted_at` integer
);
--> statement-breakpoint
CREATE INDEX `providers_created_by` ON `providers` (`created_by`);--> statement-breakpoint
CREATE INDEX `providers_updated_by` ON `providers` (`updated_by`);--> statement-breakpoint
ALTER TABLE `flows` ADD `provider_version` text;