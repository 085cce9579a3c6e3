CREATE TABLE "organization_integration_changes" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"transaction_id" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"organization_id" uuid,
	"integration_id" uuid,
	"integration_type" text,
	"action" text NOT NULL,
	"actor" text NOT NULL,
	"reason" text,
	"changes" jsonb,
	CONSTRAINT "organization_integration_changes_action_check" CHECK (action in ('create', 'update', 'remove', 'prune'))
);
--> statement-breakpoint
ALTER TABLE "organization_integration_changes" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "organization_integration_events" DROP CONSTRAINT "organization_integration_events_action_check";--> statement-breakpoint
CREATE INDEX "organization_integration_changes_organization_id_created_at_idx" ON "organization_integration_changes" USING btree ("organization_id","created_at");--> statement-breakpoint
CREATE INDEX "organization_integration_changes_position_idx" ON "organization_integration_changes" USING btree ("transaction_id","created_at","id");--> statement-breakpoint
ALTER TABLE "organization_integration_events" DROP COLUMN "changes";--> statement-breakpoint
ALTER TABLE "organization_integration_events" ADD CONSTRAINT "organization_integration_events_action_check" CHECK (action in ('store', 'rotate', 'retrieve', 'revoke', 'delete', 'alert', 'quarantine', 'restore'));--> statement-breakpoint
CREATE POLICY "admins_can_read_own_changes" ON "organization_integration_changes" AS PERMISSIVE FOR SELECT TO "authenticated" USING (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) = 'admin');