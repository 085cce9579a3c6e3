ALTER TABLE "organization_integration_events" DROP CONSTRAINT "organization_integration_events_action_check";--> statement-breakpoint
UPDATE "organization_integrations" SET "field_mappings" = '{}' WHERE "field_mappings" IS NULL;--> statement-breakpoint
-- Reads each row once while the table is locked; a check that is validated first would take a migration more.
-- squawk-ignore adding-not-nullable-field
ALTER TABLE "organization_integrations" ALTER COLUMN "field_mappings" SET NOT NULL;--> statement-breakpoint
UPDATE "organization_integrations" SET "excluded_features" = '[]' WHERE "excluded_features" IS NULL;--> statement-breakpoint
-- Reads each row once while the table is locked; a check that is validated first would take a migration more.
-- squawk-ignore adding-not-nullable-field
ALTER TABLE "organization_integrations" ALTER COLUMN "excluded_features" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "organization_integration_events" ADD COLUMN "quarantined" jsonb;--> statement-breakpoint
ALTER TABLE "organization_integration_events" ADD CONSTRAINT "organization_integration_events_action_check" CHECK (action in ('store', 'rotate', 'retrieve', 'revoke', 'delete', 'alert', 'quarantine', 'restore'));