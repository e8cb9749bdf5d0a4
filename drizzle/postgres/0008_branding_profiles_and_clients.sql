CREATE TABLE "branding" (
	"id" text PRIMARY KEY NOT NULL,
	"version" bigint NOT NULL,
	"fields" jsonb NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
DROP INDEX "application_sessions_application";--> statement-breakpoint
ALTER TABLE "accounts" ADD COLUMN "time_zone" text;--> statement-breakpoint
ALTER TABLE "application_sessions" ADD COLUMN "dpop_key" text;--> statement-breakpoint
ALTER TABLE "applications" ADD COLUMN "cors_origins" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "applications" ADD COLUMN "logo_uri" text;--> statement-breakpoint
ALTER TABLE "applications" ADD COLUMN "jwks" jsonb;--> statement-breakpoint
ALTER TABLE "applications" ADD COLUMN "jwks_uri" text;--> statement-breakpoint
ALTER TABLE "applications" ADD COLUMN "requires_dpop" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "applications" ADD COLUMN "disabled_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "passkeys" ADD COLUMN "aaguid" text;--> statement-breakpoint
CREATE INDEX "application_sessions_application_account" ON "application_sessions" USING btree ("application_id","account_id","id");--> statement-breakpoint
CREATE INDEX "audit_ip" ON "audit" USING btree ("ip","at","ordinal","id") WHERE ip is not null;