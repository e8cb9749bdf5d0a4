DROP INDEX IF EXISTS "grants_due";--> statement-breakpoint
CREATE INDEX "grants_app_due" ON "grants" USING btree ("provider","client_id","due_at","id");