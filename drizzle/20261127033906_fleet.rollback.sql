-- What the earlier table cannot say must go with the column that holds it; the events are append-only otherwise.
ALTER TABLE "organization_integration_events" DISABLE TRIGGER "append_only";--> statement-breakpoint
DELETE FROM "organization_integration_events" WHERE action IN ('create', 'update', 'remove', 'prune');--> statement-breakpoint
ALTER TABLE "organization_integration_events" ENABLE TRIGGER "append_only";
