DROP INDEX "grants_provider_subject_client_holder";--> statement-breakpoint
ALTER TABLE "flows" ADD COLUMN "issuer" text;--> statement-breakpoint
ALTER TABLE "flows" ADD COLUMN "client_id" text;--> statement-breakpoint
ALTER TABLE "grants" ADD COLUMN "issuer" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "jira_integrations" ADD COLUMN "issuer" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "revocations" ADD COLUMN "issuer" text DEFAULT '' NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "grants_identity_client_holder" ON "grants" USING btree ("provider","subject","issuer","client_id","holder");--> statement-breakpoint
CREATE INDEX "revocations_provider_next_attempt" ON "revocations" USING btree ("provider","next_attempt_at");--> statement-breakpoint
UPDATE "grants" SET "issuer" = coalesce((SELECT i."issuer" FROM "identities" i WHERE i."provider" = "grants"."provider" AND i."subject" = "grants"."subject" ORDER BY i."last_used_at" DESC, i."id" LIMIT 1), '') WHERE "holder" = 'person';--> statement-breakpoint
UPDATE "grants" SET "issuer" = "provider" WHERE "holder" <> 'person';--> statement-breakpoint
UPDATE "jira_integrations" SET "issuer" = "provider";--> statement-breakpoint
UPDATE "revocations" SET "issuer" = "provider" WHERE "team_id" IS NOT NULL;--> statement-breakpoint
WITH "only" AS MATERIALIZED (SELECT "provider", min("issuer") AS "issuer" FROM "identities" GROUP BY "provider" HAVING count(DISTINCT "issuer") = 1) UPDATE "revocations" SET "issuer" = "only"."issuer" FROM "only" WHERE "only"."provider" = "revocations"."provider" AND "revocations"."team_id" IS NULL;