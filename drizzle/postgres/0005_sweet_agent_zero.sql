DROP INDEX "mails_next_attempt";--> statement-breakpoint
DROP INDEX "revocations_next_attempt";--> statement-breakpoint
DROP INDEX "revocations_provider_next_attempt";--> statement-breakpoint
DROP INDEX "trusted_devices_account";--> statement-breakpoint
CREATE INDEX "mails_next_attempt" ON "mails" USING btree ("next_attempt_at","id");--> statement-breakpoint
CREATE INDEX "revocations_next_attempt" ON "revocations" USING btree ("next_attempt_at","id");--> statement-breakpoint
CREATE INDEX "revocations_provider_next_attempt" ON "revocations" USING btree ("provider","next_attempt_at","id");--> statement-breakpoint
CREATE INDEX "trusted_devices_account" ON "trusted_devices" USING btree ("account_id","id");