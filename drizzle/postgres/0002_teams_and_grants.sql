CREATE TABLE "jira_integrations" (
	"team_id" text PRIMARY KEY NOT NULL,
	"provider" text NOT NULL,
	"client_id" text NOT NULL,
	"subject" text NOT NULL,
	"subject_name" text,
	"connected_by" text,
	"connected_at" timestamp (3) with time zone NOT NULL,
	"last_sync_at" timestamp (3) with time zone,
	"sync_status" text NOT NULL,
	"last_error" text,
	"next_sync_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "jira_sites" (
	"team_id" text NOT NULL,
	"cloud_id" text NOT NULL,
	"name" text NOT NULL,
	"url" text NOT NULL,
	"scopes" jsonb NOT NULL,
	"chosen" boolean NOT NULL,
	"found_at" timestamp (3) with time zone NOT NULL,
	"gone_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "jobs" (
	"name" text PRIMARY KEY NOT NULL,
	"due_at" timestamp (3) with time zone NOT NULL,
	"started_at" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone,
	"milliseconds" bigint,
	"outcome" text,
	"runs" bigint NOT NULL,
	"failures" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sealing_keys" (
	"id" text PRIMARY KEY NOT NULL,
	"proof" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "team_invitations" (
	"id" text PRIMARY KEY NOT NULL,
	"team_id" text NOT NULL,
	"email" text NOT NULL,
	"email_key" text NOT NULL,
	"role" text NOT NULL,
	"secret_hash" text NOT NULL,
	"invited_by" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "team_members" (
	"team_id" text NOT NULL,
	"account_id" text NOT NULL,
	"role" text NOT NULL,
	"joined_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "teams" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
DROP INDEX "grants_provider_subject_client";--> statement-breakpoint
ALTER TABLE "grants" ALTER COLUMN "access_token" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "flows" ADD COLUMN "team_id" text;--> statement-breakpoint
ALTER TABLE "flows" ADD COLUMN "scopes" jsonb;--> statement-breakpoint
-- The defaults stay for the version before, which knows nothing of these columns and may still be running.
ALTER TABLE "grants" ADD COLUMN "holder" text DEFAULT 'person' NOT NULL;--> statement-breakpoint
ALTER TABLE "grants" ADD COLUMN "asked_scopes" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "grants" ADD COLUMN "refresh_expires_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "grants" ADD COLUMN "consented_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "grants" ADD COLUMN "refreshed_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "grants" ADD COLUMN "used_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "grants" ADD COLUMN "due_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "grants" ADD COLUMN "failures" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "grants" ADD COLUMN "last_error" text;--> statement-breakpoint
ALTER TABLE "grants" ADD COLUMN "last_error_at" timestamp (3) with time zone;--> statement-breakpoint
UPDATE "grants" SET "asked_scopes" = "scopes", "consented_at" = "updated_at", "used_at" = "updated_at", "due_at" = CASE WHEN "refresh_token" IS NOT NULL AND "status" = 'healthy' THEN "expires_at" END;--> statement-breakpoint
ALTER TABLE "revocations" ADD COLUMN "team_id" text;--> statement-breakpoint
ALTER TABLE "jira_integrations" ADD CONSTRAINT "jira_integrations_team_id_teams_id_fk" FOREIGN KEY ("team_id") REFERENCES "public"."teams"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "jira_integrations" ADD CONSTRAINT "jira_integrations_connected_by_accounts_id_fk" FOREIGN KEY ("connected_by") REFERENCES "public"."accounts"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "jira_sites" ADD CONSTRAINT "jira_sites_team_id_jira_integrations_team_id_fk" FOREIGN KEY ("team_id") REFERENCES "public"."jira_integrations"("team_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "team_invitations" ADD CONSTRAINT "team_invitations_team_id_teams_id_fk" FOREIGN KEY ("team_id") REFERENCES "public"."teams"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "team_invitations" ADD CONSTRAINT "team_invitations_invited_by_accounts_id_fk" FOREIGN KEY ("invited_by") REFERENCES "public"."accounts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "team_members" ADD CONSTRAINT "team_members_team_id_teams_id_fk" FOREIGN KEY ("team_id") REFERENCES "public"."teams"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "team_members" ADD CONSTRAINT "team_members_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "jira_integrations_connected_by" ON "jira_integrations" USING btree ("connected_by");--> statement-breakpoint
CREATE INDEX "jira_integrations_next_sync" ON "jira_integrations" USING btree ("next_sync_at");--> statement-breakpoint
CREATE UNIQUE INDEX "jira_sites_team_cloud" ON "jira_sites" USING btree ("team_id","cloud_id");--> statement-breakpoint
CREATE UNIQUE INDEX "team_invitations_team_email" ON "team_invitations" USING btree ("team_id","email_key");--> statement-breakpoint
CREATE UNIQUE INDEX "team_invitations_secret_hash" ON "team_invitations" USING btree ("secret_hash");--> statement-breakpoint
CREATE INDEX "team_invitations_expiry" ON "team_invitations" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "team_members_team_account" ON "team_members" USING btree ("team_id","account_id");--> statement-breakpoint
CREATE INDEX "team_members_account" ON "team_members" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "teams_created" ON "teams" USING btree ("created_at","id");--> statement-breakpoint
ALTER TABLE "flows" ADD CONSTRAINT "flows_team_id_teams_id_fk" FOREIGN KEY ("team_id") REFERENCES "public"."teams"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "grants_provider_subject_client_holder" ON "grants" USING btree ("provider","subject","client_id","holder");--> statement-breakpoint
CREATE INDEX "grants_holder" ON "grants" USING btree ("holder");--> statement-breakpoint
CREATE INDEX "grants_due" ON "grants" USING btree ("due_at");--> statement-breakpoint
CREATE INDEX "revocations_account" ON "revocations" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "revocations_team" ON "revocations" USING btree ("team_id");