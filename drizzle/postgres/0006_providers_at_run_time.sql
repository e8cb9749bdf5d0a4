CREATE TABLE "provider_versions" (
	"id" text PRIMARY KEY NOT NULL,
	"provider_id" text NOT NULL,
	"version" bigint NOT NULL,
	"state" text NOT NULL,
	"settings" jsonb NOT NULL,
	"secret" text,
	"secret_expires_at" timestamp (3) with time zone,
	"noticed_days" bigint,
	"created_by" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"live_at" timestamp (3) with time zone,
	"tried_at" timestamp (3) with time zone,
	"trial" text,
	"trial_expires_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "providers" (
	"id" text PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"enabled" boolean NOT NULL,
	"position" bigint NOT NULL,
	"revision" bigint NOT NULL,
	"version" bigint NOT NULL,
	"created_by" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_by" text,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"deleted_at" timestamp (3) with time zone
);
--> statement-breakpoint
ALTER TABLE "flows" ADD COLUMN "provider_version" text;--> statement-breakpoint
ALTER TABLE "provider_versions" ADD CONSTRAINT "provider_versions_provider_id_providers_id_fk" FOREIGN KEY ("provider_id") REFERENCES "public"."providers"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "provider_versions_provider_version" ON "provider_versions" USING btree ("provider_id","version");--> statement-breakpoint
CREATE INDEX "provider_versions_created_by" ON "provider_versions" USING btree ("created_by");--> statement-breakpoint
CREATE INDEX "provider_versions_trial" ON "provider_versions" USING btree ("trial_expires_at");--> statement-breakpoint
CREATE INDEX "providers_created_by" ON "providers" USING btree ("created_by");--> statement-breakpoint
CREATE INDEX "providers_updated_by" ON "providers" USING btree ("updated_by");