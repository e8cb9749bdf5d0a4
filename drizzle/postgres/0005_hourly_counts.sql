CREATE TABLE "hourly_counts" (
	"id" text PRIMARY KEY NOT NULL,
	"hour" timestamp (3) with time zone NOT NULL,
	"measure" text NOT NULL,
	"label" text NOT NULL,
	"count" bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX "hourly_counts_hour" ON "hourly_counts" USING btree ("hour","id");