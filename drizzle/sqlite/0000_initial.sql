CREATE TABLE `accounts` (
	`id` text PRIMARY KEY NOT NULL,
	`email` text,
	`email_key` text,
	`verified_email_key` text,
	`name` text,
	`picture` text,
	`role` text NOT NULL,
	`disabled_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `accounts_verified_email_key` ON `accounts` (`verified_email_key`);--> statement-breakpoint
CREATE INDEX `accounts_email_key` ON `accounts` (`email_key`);--> statement-breakpoint
CREATE TABLE `audit` (
	`id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`ordinal` integer NOT NULL,
	`event` text NOT NULL,
	`account_id` text,
	`ip` text,
	`user_agent` text,
	`request_id` text,
	`data` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `audit_account_at` ON `audit` (`account_id`,`at`);--> statement-breakpoint
CREATE TABLE `conflicts` (
	`id` text PRIMARY KEY NOT NULL,
	`ticket_hash` text NOT NULL,
	`binding_hash` text NOT NULL,
	`provider` text NOT NULL,
	`grant` text NOT NULL,
	`return_to` text,
	`code_challenge` text,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`resolved_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `conflicts_ticket_hash` ON `conflicts` (`ticket_hash`);--> statement-breakpoint
CREATE INDEX `conflicts_expiry` ON `conflicts` (`expires_at`);--> statement-breakpoint
CREATE TABLE `flows` (
	`id` text PRIMARY KEY NOT NULL,
	`state_hash` text NOT NULL,
	`binding_hash` text NOT NULL,
	`provider` text NOT NULL,
	`intent` text NOT NULL,
	`redirect_uri` text NOT NULL,
	`verifier` text NOT NULL,
	`nonce` text,
	`account_id` text,
	`session_id` text,
	`return_to` text,
	`code_challenge` text,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`claimed_at` integer,
	FOREIGN KEY (`account_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `flows_state_hash` ON `flows` (`state_hash`);--> statement-breakpoint
CREATE INDEX `flows_account` ON `flows` (`account_id`);--> statement-breakpoint
CREATE INDEX `flows_expiry` ON `flows` (`expires_at`);--> statement-breakpoint
CREATE TABLE `grants` (
	`id` text PRIMARY KEY NOT NULL,
	`provider` text NOT NULL,
	`client_id` text NOT NULL,
	`subject` text NOT NULL,
	`access_token` text NOT NULL,
	`refresh_token` text,
	`scopes` text NOT NULL,
	`expires_at` integer,
	`status` text NOT NULL,
	`updated_at` integer NOT NULL,
	`lease_owner` text,
	`lease_until` integer,
	`fence` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `grants_provider_subject_client` ON `grants` (`provider`,`subject`,`client_id`);--> statement-breakpoint
CREATE TABLE `identities` (
	`id` text PRIMARY KEY NOT NULL,
	`account_id` text NOT NULL,
	`provider` text NOT NULL,
	`issuer` text NOT NULL,
	`subject` text NOT NULL,
	`email` text,
	`email_verified` integer NOT NULL,
	`name` text,
	`picture` text,
	`scopes` text NOT NULL,
	`linked_at` integer NOT NULL,
	`last_used_at` integer NOT NULL,
	FOREIGN KEY (`account_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `identities_issuer_subject` ON `identities` (`issuer`,`subject`);--> statement-breakpoint
CREATE INDEX `identities_account` ON `identities` (`account_id`);--> statement-breakpoint
CREATE INDEX `identities_provider_subject` ON `identities` (`provider`,`subject`);--> statement-breakpoint
CREATE TABLE `leases` (
	`name` text PRIMARY KEY NOT NULL,
	`owner` text NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `rate_limits` (
	`key` text PRIMARY KEY NOT NULL,
	`hits` integer NOT NULL,
	`resets_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `rate_limits_reset` ON `rate_limits` (`resets_at`);--> statement-breakpoint
CREATE TABLE `revocations` (
	`id` text PRIMARY KEY NOT NULL,
	`account_id` text NOT NULL,
	`grant_id` text NOT NULL,
	`provider` text NOT NULL,
	`client_id` text NOT NULL,
	`subject` text NOT NULL,
	`access_token` text NOT NULL,
	`refresh_token` text,
	`attempts` integer NOT NULL,
	`next_attempt_at` integer NOT NULL,
	`last_error` text,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `revocations_next_attempt` ON `revocations` (`next_attempt_at`);--> statement-breakpoint
CREATE TABLE `sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`account_id` text NOT NULL,
	`identity_id` text,
	`provider` text,
	`cookie_hash` text,
	`amr` text NOT NULL,
	`scope` text NOT NULL,
	`auth_time` integer NOT NULL,
	`created_at` integer NOT NULL,
	`last_seen_at` integer NOT NULL,
	`ip` text,
	`user_agent` text,
	`generation` integer NOT NULL,
	`rotated_at` integer NOT NULL,
	`used_generation` integer NOT NULL,
	`idle_expires_at` integer NOT NULL,
	`absolute_expires_at` integer NOT NULL,
	`ended_at` integer,
	`end_reason` text,
	FOREIGN KEY (`account_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `sessions_account` ON `sessions` (`account_id`);--> statement-breakpoint
CREATE UNIQUE INDEX `sessions_cookie_hash` ON `sessions` (`cookie_hash`);--> statement-breakpoint
CREATE TABLE `sign_in_codes` (
	`code_hash` text PRIMARY KEY NOT NULL,
	`session_id` text NOT NULL,
	`account_id` text NOT NULL,
	`action` text NOT NULL,
	`provider` text NOT NULL,
	`provider_user_id` text NOT NULL,
	`code_challenge` text NOT NULL,
	`expires_at` integer NOT NULL,
	`used_at` integer,
	FOREIGN KEY (`session_id`) REFERENCES `sessions`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `sign_in_codes_session` ON `sign_in_codes` (`session_id`);--> statement-breakpoint
CREATE INDEX `sign_in_codes_expiry` ON `sign_in_codes` (`expires_at`);--> statement-breakpoint
CREATE TABLE `signing_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`purpose` text NOT NULL,
	`sequence` integer NOT NULL,
	`secret` text NOT NULL,
	`public_jwk` text,
	`created_at` integer NOT NULL,
	`activates_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `signing_keys_purpose_sequence` ON `signing_keys` (`purpose`,`sequence`);