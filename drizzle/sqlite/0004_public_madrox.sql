DROP INDEX `sessions_account`;--> statement-breakpoint
CREATE INDEX `sessions_open` ON `sessions` (`account_id`) WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX `sessions_account` ON `sessions` (`account_id`,`id`);--> statement-breakpoint
CREATE INDEX `audit_placed` ON `audit` (`at`) WHERE ip is not null or user_agent is not null;--> statement-breakpoint
CREATE INDEX `audit_refused` ON `audit` (`at`) WHERE event = 'authentication.failed';