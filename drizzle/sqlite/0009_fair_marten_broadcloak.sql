ALTER TABLE `application_sessions` ADD `dpop_key` text;--> statement-breakpoint
ALTER TABLE `applications` ADD `jwks` text;--> statement-breakpoint
ALTER TABLE `applications` ADD `jwks_uri` text;--> statement-breakpoint
ALTER TABLE `applications` ADD `requires_dpop` integer DEFAULT false NOT NULL;