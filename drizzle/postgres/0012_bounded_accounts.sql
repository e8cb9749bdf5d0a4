DROP INDEX "openid_states_account";--> statement-breakpoint
CREATE INDEX "application_sessions_open" ON "application_sessions" USING btree ("account_id","ended_at","created_at","id");--> statement-breakpoint
CREATE INDEX "audit_of_nobody" ON "audit" USING btree ("at","id") WHERE account_id is null;--> statement-breakpoint
CREATE INDEX "audit_refused" ON "audit" USING btree ("at","id") WHERE event = 'authentication.failed';--> statement-breakpoint
CREATE INDEX "openid_states_account" ON "openid_states" USING btree ("account_id","created_at","id");