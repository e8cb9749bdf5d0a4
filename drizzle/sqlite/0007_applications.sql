CREATE TABLE `application_consents` (
	`id` text PRIMARY KEY NOT NULL,
	`account_id` text NOT NULL,
	`application_id` text NOT NULL,
	`scopes` text NOT NULL,
	`resources` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`account_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`application_id`) REFERENCES `applications`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `application_consents_account_application` ON `application_consents` (`account_id`,`application_id`);--> statement-breakpoint
CREATE INDEX `application_consents_application` ON `application_consents` (`application_id`);--> statement-breakpoint
CREATE TABLE `application_sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`application_id` text NOT NULL,
	`session_id` text NOT NULL,
	`account_id` text NOT NULL,
	`sid` text NOT NULL,
	`scope` text NOT NULL,
	`resources` text NOT NULL,
	`amr` text NOT NULL,
	`auth_time` integer NOT NULL,
	`created_at` integer NOT NULL,
	`generation` integer NOT NULL,
	`rotated_at` integer NOT NULL,
	`used_generation` integer NOT NULL,
	`idle_expires_at` integer NOT NULL,
	`absolute_expires_at` integer NOT NULL,
	`ended_at` integer,
	FOREIGN KEY (`application_id`) REFERENCES `applications`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `application_sessions_session` ON `application_sessions` (`session_id`,`application_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `application_sessions_account` ON `application_sessions` (`account_id`,`id`);--> statement-breakpoint
CREATE INDEX `application_sessions_application` ON `application_sessions` (`application_id`);--> statement-breakpoint
CREATE TABLE `applications` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`kind` text NOT NULL,
	`first_party` integer NOT NULL,
	`redirect_uris` text NOT NULL,
	`post_logout_redirect_uris` text NOT NULL,
	`scopes` text NOT NULL,
	`resources` text NOT NULL,
	`client_auth` text NOT NULL,
	`secret_hash` text,
	`previous_hash` text,
	`previous_until` integer,
	`access_ttl_seconds` integer,
	`refresh_ttl_seconds` integer,
	`backchannel_logout_uri` text,
	`created_by` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`last_used_at` integer
);
--> statement-breakpoint
CREATE INDEX `applications_created` ON `applications` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `applications_created_by` ON `applications` (`created_by`);--> statement-breakpoint
CREATE TABLE `logout_notices` (
	`id` text PRIMARY KEY NOT NULL,
	`application_id` text NOT NULL,
	`account_id` text NOT NULL,
	`sid` text NOT NULL,
	`attempts` integer NOT NULL,
	`next_attempt_at` integer NOT NULL,
	`last_error` text,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`application_id`) REFERENCES `applications`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `logout_notices_next_attempt` ON `logout_notices` (`next_attempt_at`,`id`);--> statement-breakpoint
CREATE INDEX `logout_notices_account` ON `logout_notices` (`account_id`,`id`);--> statement-breakpoint
CREATE INDEX `logout_notices_application` ON `logout_notices` (`application_id`);--> statement-breakpoint
CREATE TABLE `openid_states` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`payload` text NOT NULL,
	`account_id` text,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`used_at` integer,
	FOREIGN KEY (`account_id`) REFERENCES `accounts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `openid_states_account` ON `openid_states` (`account_id`,`id`);--> statement-breakpoint
CREATE INDEX `openid_states_expiry` ON `openid_states` (`expires_at`);