CREATE TABLE "application_consents" (
	"id" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"application_id" text NOT NULL,
	"scopes" jsonb NOT NULL,
	"resources" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "application_sessions" (
	"id" text PRIMARY KEY NOT NULL,
	"application_id" text NOT NULL,
	"session_id" text NOT NULL,
	"account_id" text NOT NULL,
	"sid" text NOT NULL,
	"scope" text NOT NULL,
	"resources" jsonb NOT NULL,
	"amr" jsonb NOT NULL,
	"auth_time" timestamp (3) with time zone NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"generation" bigint NOT NULL,
	"rotated_at" timestamp (3) with time zone NOT NULL,
	"used_generation" bigint NOT NULL,
	"idle_expires_at" timestamp (3) with time zone NOT NULL,
	"absolute_expires_at" timestamp (3) with time zone NOT NULL,
	"ended_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "applications" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"first_party" boolean NOT NULL,
	"redirect_uris" jsonb NOT NULL,
	"post_logout_redirect_uris" jsonb NOT NULL,
	"scopes" jsonb NOT NULL,
	"resources" jsonb NOT NULL,
	"client_auth" text NOT NULL,
	"secret_hash" text,
	"previous_hash" text,
	"previous_until" timestamp (3) with time zone,
	"access_ttl_seconds" bigint,
	"refresh_ttl_seconds" bigint,
	"backchannel_logout_uri" text,
	"created_by" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"last_used_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "logout_notices" (
	"id" text PRIMARY KEY NOT NULL,
	"application_id" text NOT NULL,
	"account_id" text NOT NULL,
	"sid" text NOT NULL,
	"attempts" bigint NOT NULL,
	"next_attempt_at" timestamp (3) with time zone NOT NULL,
	"last_error" text,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "openid_states" (
	"id" text PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"payload" text NOT NULL,
	"account_id" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"used_at" timestamp (3) with time zone
);
--> statement-breakpoint
ALTER TABLE "application_consents" ADD CONSTRAINT "application_consents_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "application_consents" ADD CONSTRAINT "application_consents_application_id_applications_id_fk" FOREIGN KEY ("application_id") REFERENCES "public"."applications"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "application_sessions" ADD CONSTRAINT "application_sessions_application_id_applications_id_fk" FOREIGN KEY ("application_id") REFERENCES "public"."applications"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "logout_notices" ADD CONSTRAINT "logout_notices_application_id_applications_id_fk" FOREIGN KEY ("application_id") REFERENCES "public"."applications"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "openid_states" ADD CONSTRAINT "openid_states_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "application_consents_account_application" ON "application_consents" USING btree ("account_id","application_id");--> statement-breakpoint
CREATE INDEX "application_consents_application" ON "application_consents" USING btree ("application_id");--> statement-breakpoint
CREATE INDEX "application_sessions_session" ON "application_sessions" USING btree ("session_id","application_id","created_at","id");--> statement-breakpoint
CREATE INDEX "application_sessions_account" ON "application_sessions" USING btree ("account_id","id");--> statement-breakpoint
CREATE INDEX "application_sessions_application" ON "application_sessions" USING btree ("application_id");--> statement-breakpoint
CREATE INDEX "applications_created" ON "applications" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "applications_created_by" ON "applications" USING btree ("created_by");--> statement-breakpoint
CREATE INDEX "logout_notices_next_attempt" ON "logout_notices" USING btree ("next_attempt_at","id");--> statement-breakpoint
CREATE INDEX "logout_notices_account" ON "logout_notices" USING btree ("account_id","id");--> statement-breakpoint
CREATE INDEX "logout_notices_application" ON "logout_notices" USING btree ("application_id");--> statement-breakpoint
CREATE INDEX "openid_states_account" ON "openid_states" USING btree ("account_id","id");--> statement-breakpoint
CREATE INDEX "openid_states_expiry" ON "openid_states" USING btree ("expires_at");