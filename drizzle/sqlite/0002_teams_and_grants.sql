CREATE TABLE `jira_integrations` (
	`team_id` text PRIMARY KEY NOT NULL,
	`provider` text NOT NULL,
	`client_id` text NOT NULL,
	`subject` text NOT NULL,
	`subject_name` text,
	`connected_by` text,
	`connected_at` integer NOT NULL,
	`last_sync_at` integer,
	`sync_status` text NOT NULL,
	`last_error` text,
	`next_sync_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`team_id`) REFERENCES `teams`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`connected_by`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE set null
);
--> statement-breakpoint
CREATE INDEX `jira_integrations_connected_by` ON `jira_integrations` (`connected_by`);--> statement-breakpoint
CREATE INDEX `jira_integrations_next_sync` ON `jira_integrations` (`next_sync_at`);--> statement-breakpoint
CREATE TABLE `jira_sites` (
	`team_id` text NOT NULL,
	`cloud_id` text NOT NULL,
	`name` text NOT NULL,
	`url` text NOT NULL,
	`scopes` text NOT NULL,
	`chosen` integer NOT NULL,
	`found_at` integer NOT NULL,
	`gone_at` integer,
	FOREIGN KEY (`team_id`) REFERENCES `jira_integrations`(`team_id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `jira_sites_team_cloud` ON `jira_sites` (`team_id`,`cloud_id`);--> statement-breakpoint
CREATE TABLE `jobs` (
	`name` text PRIMARY KEY NOT NULL,
	`due_at` integer NOT NULL,
	`started_at` integer,
	`finished_at` integer,
	`milliseconds` integer,
	`outcome` text,
	`runs` integer NOT NULL,
	`failures` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `sealing_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`proof` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `team_invitations` (
	`id` text PRIMARY KEY NOT NULL,
	`team_id` text NOT NULL,
	`email` text NOT NULL,
	`email_key` text NOT NULL,
	`role` text NOT NULL,
	`secret_hash` text NOT NULL,
	`invited_by` text,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	FOREIGN KEY (`team_id`) REFERENCES `teams`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`invited_by`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `team_invitations_team_email` ON `team_invitations` (`team_id`,`email_key`);--> statement-breakpoint
CREATE UNIQUE INDEX `team_invitations_secret_hash` ON `team_invitations` (`secret_hash`);--> statement-breakpoint
CREATE INDEX `team_invitations_expiry` ON `team_invitations` (`expires_at`);--> statement-breakpoint
CREATE TABLE `team_members` (
	`team_id` text NOT NULL,
	`account_id` text NOT NULL,
	`role` text NOT NULL,
	`joined_at` integer NOT NULL,
	FOREIGN KEY (`team_id`) REFERENCES `teams`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`account_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `team_members_team_account` ON `team_members` (`team_id`,`account_id`);--> statement-breakpoint
CREATE INDEX `team_members_account` ON `team_members` (`account_id`);--> statement-breakpoint
CREATE TABLE `teams` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `teams_created` ON `teams` (`created_at`,`id`);--> statement-breakpoint
PRAGMA foreign_keys=OFF;--> statement-breakpoint
-- The defaults stay for the version before, which knows nothing of these columns and may be gone back to.
CREATE TABLE `__new_grants` (
	`id` text PRIMARY KEY NOT NULL,
	`provider` text NOT NULL,
	`client_id` text NOT NULL,
	`subject` text NOT NULL,
	`holder` text DEFAULT 'person' NOT NULL,
	`access_token` text,
	`refresh_token` text,
	`asked_scopes` text DEFAULT '[]' NOT NULL,
	`scopes` text NOT NULL,
	`expires_at` integer,
	`refresh_expires_at` integer,
	`status` text NOT NULL,
	`consented_at` integer DEFAULT (unixepoch() * 1000) NOT NULL,
	`refreshed_at` integer,
	`used_at` integer,
	`due_at` integer,
	`failures` integer DEFAULT 0 NOT NULL,
	`last_error` text,
	`last_error_at` integer,
	`updated_at` integer NOT NULL,
	`lease_owner` text,
	`lease_until` integer,
	`fence` integer NOT NULL
);
--> statement-breakpoint
INSERT INTO `__new_grants`("id", "provider", "client_id", "subject", "holder", "access_token", "refresh_token", "asked_scopes", "scopes", "expires_at", "refresh_expires_at", "status", "consented_at", "refreshed_at", "used_at", "due_at", "failures", "last_error", "last_error_at", "updated_at", "lease_owner", "lease_until", "fence") SELECT "id", "provider", "client_id", "subject", 'person', "access_token", "refresh_token", "scopes", "scopes", "expires_at", NULL, "status", "updated_at", NULL, "updated_at", CASE WHEN "refresh_token" IS NOT NULL AND "status" = 'healthy' THEN "expires_at" END, 0, NULL, NULL, "updated_at", "lease_owner", "lease_until", "fence" FROM `grants`;--> statement-breakpoint
DROP TABLE `grants`;--> statement-breakpoint
ALTER TABLE `__new_grants` RENAME TO `grants`;--> statement-breakpoint
PRAGMA foreign_keys=ON;--> statement-breakpoint
CREATE UNIQUE INDEX `grants_provider_subject_client_holder` ON `grants` (`provider`,`subject`,`client_id`,`holder`);--> statement-breakpoint
CREATE INDEX `grants_holder` ON `grants` (`holder`);--> statement-breakpoint
CREATE INDEX `grants_due` ON `grants` (`due_at`);--> statement-breakpoint
ALTER TABLE `flows` ADD `team_id` text REFERENCES teams(id) ON DELETE cascade;--> statement-breakpoint
ALTER TABLE `flows` ADD `scopes` text;--> statement-breakpoint
ALTER TABLE `revocations` ADD `team_id` text;--> statement-breakpoint
CREATE INDEX `revocations_account` ON `revocations` (`account_id`);--> statement-breakpoint
CREATE INDEX `revocations_team` ON `revocations` (`team_id`);