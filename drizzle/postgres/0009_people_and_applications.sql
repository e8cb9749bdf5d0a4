CREATE TABLE "pictures" (
	"id" text PRIMARY KEY NOT NULL,
	"application_id" text,
	"hash" text NOT NULL,
	"content_type" text NOT NULL,
	"body" text NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "registration_tokens" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"token_hash" text NOT NULL,
	"uses_left" bigint NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"created_by" text,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "accounts" ADD COLUMN "metadata" jsonb DEFAULT '{"public":{}}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "accounts" ADD COLUMN "last_sign_in_hour" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
UPDATE "accounts" SET "last_sign_in_hour" = "known"."hour" FROM (SELECT "account_id", floor(extract(epoch FROM max("at")) / 3600)::bigint AS "hour" FROM (SELECT "account_id", "created_at" AS "at" FROM "sessions" UNION ALL SELECT "account_id", "last_used_at" FROM "identities") AS "times" GROUP BY "account_id") AS "known" WHERE "accounts"."id" = "known"."account_id";--> statement-breakpoint
ALTER TABLE "accounts" ADD COLUMN "invited_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "accounts" ADD COLUMN "invitation_expires_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "application_consents" ADD COLUMN "document_hash" text;--> statement-breakpoint
ALTER TABLE "applications" ADD COLUMN "logo" text;--> statement-breakpoint
ALTER TABLE "applications" ADD COLUMN "subject_type" text DEFAULT 'public' NOT NULL;--> statement-breakpoint
ALTER TABLE "applications" ADD COLUMN "sector_identifier_uri" text;--> statement-breakpoint
ALTER TABLE "applications" ADD COLUMN "source" text DEFAULT 'administrator' NOT NULL;--> statement-breakpoint
ALTER TABLE "applications" ADD COLUMN "registration_hash" text;--> statement-breakpoint
ALTER TABLE "applications" ADD COLUMN "document_hash" text;--> statement-breakpoint
ALTER TABLE "applications" ADD COLUMN "document_read_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "pictures" ADD CONSTRAINT "pictures_application_id_applications_id_fk" FOREIGN KEY ("application_id") REFERENCES "public"."applications"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "pictures_hash" ON "pictures" USING btree ("hash");--> statement-breakpoint
CREATE INDEX "pictures_application" ON "pictures" USING btree ("application_id");--> statement-breakpoint
CREATE UNIQUE INDEX "registration_tokens_hash" ON "registration_tokens" USING btree ("token_hash");--> statement-breakpoint
CREATE INDEX "registration_tokens_created" ON "registration_tokens" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "registration_tokens_expires" ON "registration_tokens" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "registration_tokens_created_by" ON "registration_tokens" USING btree ("created_by");--> statement-breakpoint
CREATE INDEX "accounts_invited" ON "accounts" USING btree ("created_at","id") WHERE invited_at is not null;--> statement-breakpoint
CREATE INDEX "accounts_last_sign_in" ON "accounts" USING btree ("last_sign_in_hour","id");--> statement-breakpoint
CREATE INDEX "applications_source" ON "applications" USING btree ("source","last_used_at","created_at");--> statement-breakpoint
CREATE INDEX "identities_provider_account" ON "identities" USING btree ("provider","account_id");