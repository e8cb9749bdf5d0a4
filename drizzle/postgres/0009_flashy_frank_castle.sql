ALTER TABLE "applications" ADD COLUMN "subject_type" text DEFAULT 'public' NOT NULL;--> statement-breakpoint
ALTER TABLE "applications" ADD COLUMN "sector_identifier_uri" text;