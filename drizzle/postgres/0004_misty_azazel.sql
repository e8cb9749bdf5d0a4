DROP INDEX "sessions_account";--> statement-breakpoint
CREATE INDEX "audit_placed" ON "audit" USING btree ("at") WHERE ip is not null or user_agent is not null;--> statement-breakpoint
CREATE INDEX "audit_refused" ON "audit" USING btree ("at") WHERE event = 'authentication.failed';--> statement-breakpoint
CREATE INDEX "sessions_open" ON "sessions" USING btree ("account_id") WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX "sessions_account" ON "sessions" USING btree ("account_id","id");