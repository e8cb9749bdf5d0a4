DROP INDEX `mails_next_attempt`;--> statement-breakpoint
CREATE INDEX `mails_next_attempt` ON `mails` (`next_attempt_at`,`id`);--> statement-breakpoint
DROP INDEX `revocations_next_attempt`;--> statement-breakpoint
DROP INDEX `revocations_provider_next_attempt`;--> statement-breakpoint
CREATE INDEX `revocations_next_attempt` ON `revocations` (`next_attempt_at`,`id`);--> statement-breakpoint
CREATE INDEX `revocations_provider_next_attempt` ON `revocations` (`provider`,`next_attempt_at`,`id`);--> statement-breakpoint
DROP INDEX `trusted_devices_account`;--> statement-breakpoint
CREATE INDEX `trusted_devices_account` ON `trusted_devices` (`account_id`,`id`);