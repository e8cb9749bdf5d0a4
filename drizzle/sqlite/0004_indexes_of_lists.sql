DROP INDEX `accounts_email_key`;--> statement-breakpoint
CREATE INDEX `accounts_role_created` ON `accounts` (`role`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `accounts_disabled_created` ON `accounts` (`created_at`,`id`) WHERE disabled_at is not null;--> statement-breakpoint
CREATE INDEX `accounts_enabled_created` ON `accounts` (`created_at`,`id`) WHERE disabled_at is null;--> statement-breakpoint
CREATE INDEX `accounts_disabled_role_created` ON `accounts` (`role`,`created_at`,`id`) WHERE disabled_at is not null;--> statement-breakpoint
CREATE INDEX `accounts_enabled_role_created` ON `accounts` (`role`,`created_at`,`id`) WHERE disabled_at is null;--> statement-breakpoint
CREATE INDEX `accounts_email_begins` ON `accounts` (("email_key"),`id`);--> statement-breakpoint
CREATE INDEX `accounts_name_begins` ON `accounts` ((lower("name")),`id`);--> statement-breakpoint
CREATE INDEX `accounts_email_key` ON `accounts` (`email_key`,`created_at`,`id`);--> statement-breakpoint
DROP INDEX `audit_account_at`;--> statement-breakpoint
CREATE INDEX `audit_at` ON `audit` (`at`,`ordinal`,`id`);--> statement-breakpoint
CREATE INDEX `audit_event_at` ON `audit` (`event`,`at`,`ordinal`,`id`);--> statement-breakpoint
CREATE INDEX `audit_account_event_at` ON `audit` (`account_id`,`event`,`at`,`ordinal`,`id`);--> statement-breakpoint
CREATE INDEX `audit_account_no_loan_at` ON `audit` (`account_id`,`at`,`ordinal`,`id`) WHERE event <> 'provider_token.lent';--> statement-breakpoint
CREATE INDEX `audit_placed` ON `audit` (`at`) WHERE ip is not null or user_agent is not null;--> statement-breakpoint
CREATE INDEX `audit_request` ON `audit` (`request_id`,`at`,`ordinal`,`id`);--> statement-breakpoint
CREATE INDEX `audit_account_at` ON `audit` (`account_id`,`at`,`ordinal`,`id`);--> statement-breakpoint
DROP INDEX `identities_account`;--> statement-breakpoint
CREATE INDEX `identities_account` ON `identities` (`account_id`,`linked_at`,`id`);--> statement-breakpoint
DROP INDEX `mails_next_attempt`;--> statement-breakpoint
CREATE INDEX `mails_account` ON `mails` (`account_id`);--> statement-breakpoint
CREATE INDEX `mails_next_attempt` ON `mails` (`next_attempt_at`,`id`);--> statement-breakpoint
DROP INDEX `passkeys_account`;--> statement-breakpoint
CREATE INDEX `passkeys_account` ON `passkeys` (`account_id`,`created_at`,`id`);--> statement-breakpoint
DROP INDEX `revocations_next_attempt`;--> statement-breakpoint
DROP INDEX `revocations_provider_next_attempt`;--> statement-breakpoint
DROP INDEX `revocations_account`;--> statement-breakpoint
CREATE INDEX `revocations_next_attempt` ON `revocations` (`next_attempt_at`,`id`);--> statement-breakpoint
CREATE INDEX `revocations_provider_next_attempt` ON `revocations` (`provider`,`next_attempt_at`,`id`);--> statement-breakpoint
CREATE INDEX `revocations_account` ON `revocations` (`account_id`,`created_at`,`id`);--> statement-breakpoint
DROP INDEX `sessions_account`;--> statement-breakpoint
CREATE INDEX `sessions_open` ON `sessions` (`account_id`) WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX `sessions_account` ON `sessions` (`account_id`,`id`);--> statement-breakpoint
DROP INDEX `team_members_account`;--> statement-breakpoint
CREATE INDEX `team_members_joined` ON `team_members` (`team_id`,`joined_at`,`account_id`);--> statement-breakpoint
CREATE INDEX `team_members_account` ON `team_members` (`account_id`,`joined_at`,`team_id`);--> statement-breakpoint
DROP INDEX `trusted_devices_account`;--> statement-breakpoint
CREATE INDEX `trusted_devices_account` ON `trusted_devices` (`account_id`,`id`);--> statement-breakpoint
CREATE INDEX `flows_team` ON `flows` (`team_id`);--> statement-breakpoint
CREATE INDEX `jira_sites_name` ON `jira_sites` (`team_id`,`name`,`cloud_id`);--> statement-breakpoint
CREATE INDEX `service_credentials_created` ON `service_credentials` (`created_at`,`id`) WHERE revoked_at is null;--> statement-breakpoint
CREATE INDEX `service_credentials_created_by` ON `service_credentials` (`created_by`);--> statement-breakpoint
CREATE INDEX `sign_in_codes_account` ON `sign_in_codes` (`account_id`);--> statement-breakpoint
CREATE INDEX `team_invitations_created` ON `team_invitations` (`team_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `team_invitations_invited_by` ON `team_invitations` (`invited_by`);--> statement-breakpoint
CREATE INDEX `team_invitations_email` ON `team_invitations` (`email_key`);