CREATE TABLE "branding" (
	"id" text PRIMARY KEY NOT NULL,
	"version" bigint NOT NULL,
	"fields" jsonb NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL
);
