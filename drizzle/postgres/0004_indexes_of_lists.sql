DROP INDEX "accounts_email_key";--> statement-breakpoint
DROP INDEX "audit_account_at";--> statement-breakpoint
DROP INDEX "identities_account";--> statement-breakpoint
DROP INDEX "mails_next_attempt";--> statement-breakpoint
DROP INDEX "passkeys_account";--> statement-breakpoint
DROP INDEX "revocations_next_attempt";--> statement-breakpoint
DROP INDEX "revocations_provider_next_attempt";--> statement-breakpoint
DROP INDEX "revocations_account";--> statement-breakpoint
DROP INDEX "sessions_account";--> statement-breakpoint
DROP INDEX "team_members_account";--> statement-breakpoint
DROP INDEX "trusted_devices_account";--> statement-breakpoint
CREATE INDEX "accounts_role_created" ON "accounts" USING btree ("role","created_at","id");--> statement-breakpoint
CREATE INDEX "accounts_disabled_created" ON "accounts" USING btree ("created_at","id") WHERE disabled_at is not null;--> statement-breakpoint
CREATE INDEX "accounts_enabled_created" ON "accounts" USING btree ("created_at","id") WHERE disabled_at is null;--> statement-breakpoint
CREATE INDEX "accounts_disabled_role_created" ON "accounts" USING btree ("role","created_at","id") WHERE disabled_at is not null;--> statement-breakpoint
CREATE INDEX "accounts_enabled_role_created" ON "accounts" USING btree ("role","created_at","id") WHERE disabled_at is null;--> statement-breakpoint
CREATE INDEX "accounts_email_begins" ON "accounts" USING btree (("email_key" collate "C"),"id");--> statement-breakpoint
CREATE INDEX "accounts_name_begins" ON "accounts" USING btree ((lower("name") collate "C"),"id");--> statement-breakpoint
CREATE INDEX "audit_at" ON "audit" USING btree ("at","ordinal","id");--> statement-breakpoint
CREATE INDEX "audit_event_at" ON "audit" USING btree ("event","at","ordinal","id");--> statement-breakpoint
CREATE INDEX "audit_account_event_at" ON "audit" USING btree ("account_id","event","at","ordinal","id");--> statement-breakpoint
CREATE INDEX "audit_account_no_loan_at" ON "audit" USING btree ("account_id","at","ordinal","id") WHERE event <> 'provider_token.lent';--> statement-breakpoint
CREATE INDEX "audit_placed" ON "audit" USING btree ("at") WHERE ip is not null or user_agent is not null;--> statement-breakpoint
CREATE INDEX "audit_request" ON "audit" USING btree ("request_id","at","ordinal","id");--> statement-breakpoint
CREATE INDEX "flows_team" ON "flows" USING btree ("team_id");--> statement-breakpoint
CREATE INDEX "jira_sites_name" ON "jira_sites" USING btree ("team_id","name","cloud_id");--> statement-breakpoint
CREATE INDEX "mails_account" ON "mails" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "service_credentials_created" ON "service_credentials" USING btree ("created_at","id") WHERE revoked_at is null;--> statement-breakpoint
CREATE INDEX "service_credentials_created_by" ON "service_credentials" USING btree ("created_by");--> statement-breakpoint
CREATE INDEX "sessions_open" ON "sessions" USING btree ("account_id") WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX "sign_in_codes_account" ON "sign_in_codes" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "team_invitations_created" ON "team_invitations" USING btree ("team_id","created_at","id");--> statement-breakpoint
CREATE INDEX "team_invitations_invited_by" ON "team_invitations" USING btree ("invited_by");--> statement-breakpoint
CREATE INDEX "team_invitations_email" ON "team_invitations" USING btree ("email_key");--> statement-breakpoint
CREATE INDEX "team_members_joined" ON "team_members" USING btree ("team_id","joined_at","account_id");--> statement-breakpoint
CREATE INDEX "accounts_email_key" ON "accounts" USING btree ("email_key","created_at","id");--> statement-breakpoint
CREATE INDEX "audit_account_at" ON "audit" USING btree ("account_id","at","ordinal","id");--> statement-breakpoint
CREATE INDEX "identities_account" ON "identities" USING btree ("account_id","linked_at","id");--> statement-breakpoint
CREATE INDEX "mails_next_attempt" ON "mails" USING btree ("next_attempt_at","id");--> statement-breakpoint
CREATE INDEX "passkeys_account" ON "passkeys" USING btree ("account_id","created_at","id");--> statement-breakpoint
CREATE INDEX "revocations_next_attempt" ON "revocations" USING btree ("next_attempt_at","id");--> statement-breakpoint
CREATE INDEX "revocations_provider_next_attempt" ON "revocations" USING btree ("provider","next_attempt_at","id");--> statement-breakpoint
CREATE INDEX "revocations_account" ON "revocations" USING btree ("account_id","created_at","id");--> statement-breakpoint
CREATE INDEX "sessions_account" ON "sessions" USING btree ("account_id","id");--> statement-breakpoint
CREATE INDEX "team_members_account" ON "team_members" USING btree ("account_id","joined_at","team_id");--> statement-breakpoint
CREATE INDEX "trusted_devices_account" ON "trusted_devices" USING btree ("account_id","id");