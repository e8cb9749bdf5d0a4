ALTER TABLE `accounts` ADD `time_zone` text;--> statement-breakpoint
ALTER TABLE `passkeys` ADD `aaguid` text;