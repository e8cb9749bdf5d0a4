DROP INDEX "application_sessions_application";--> statement-breakpoint
ALTER TABLE "applications" ADD COLUMN "cors_origins" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "applications" ADD COLUMN "logo_uri" text;--> statement-breakpoint
ALTER TABLE "applications" ADD COLUMN "disabled_at" timestamp (3) with time zone;--> statement-breakpoint
CREATE INDEX "application_sessions_application_account" ON "application_sessions" USING btree ("application_id","account_id","id");