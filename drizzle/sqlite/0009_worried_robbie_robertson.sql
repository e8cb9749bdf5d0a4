ALTER TABLE `applications` ADD `subject_type` text DEFAULT 'public' NOT NULL;--> statement-breakpoint
ALTER TABLE `applications` ADD `sector_identifier_uri` text;