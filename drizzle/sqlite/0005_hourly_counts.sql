CREATE TABLE `hourly_counts` (
	`id` text PRIMARY KEY NOT NULL,
	`hour` integer NOT NULL,
	`measure` text NOT NULL,
	`label` text NOT NULL,
	`count` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `hourly_counts_hour` ON `hourly_counts` (`hour`,`id`);