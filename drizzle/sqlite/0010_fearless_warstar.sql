CREATE TABLE `branding` (
	`id` text PRIMARY KEY NOT NULL,
	`version` integer NOT NULL,
	`fields` text NOT NULL,
	`updated_at` integer NOT NULL
);
