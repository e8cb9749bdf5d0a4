DROP INDEX "logout_notices_next_attempt";--> statement-breakpoint
DROP INDEX "logout_notices_application";--> statement-breakpoint
DROP INDEX "mails_next_attempt";--> statement-breakpoint
DROP INDEX "revocations_next_attempt";--> statement-breakpoint
ALTER TABLE "mails" ADD COLUMN "domain" text DEFAULT '' NOT NULL;--> statement-breakpoint
CREATE INDEX "logout_notices_application_next_attempt" ON "logout_notices" USING btree ("application_id","next_attempt_at","id");--> statement-breakpoint
CREATE INDEX "mails_domain_next_attempt" ON "mails" USING btree ("domain","next_attempt_at","id");