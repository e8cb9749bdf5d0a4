ALTER TABLE "application_sessions" ADD COLUMN "dpop_key" text;--> statement-breakpoint
ALTER TABLE "applications" ADD COLUMN "jwks" jsonb;--> statement-breakpoint
ALTER TABLE "applications" ADD COLUMN "jwks_uri" text;--> statement-breakpoint
ALTER TABLE "applications" ADD COLUMN "requires_dpop" boolean DEFAULT false NOT NULL;