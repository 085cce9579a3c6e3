CREATE SCHEMA "integrations_api";
--> statement-breakpoint
CREATE TABLE "integrations"."alert_acknowledgements" (
	"event_id" uuid PRIMARY KEY NOT NULL,
	"actor" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "integrations"."alert_acknowledgements" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
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
CREATE TABLE "organization_integration_runs" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"integration_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"due" timestamp with time zone NOT NULL,
	"started_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"finished_at" timestamp with time zone,
	"outcome" text,
	"message" text,
	"counts" jsonb,
	"attempt" bigint DEFAULT 1 NOT NULL,
	CONSTRAINT "organization_integration_runs_integration_id_due_key" UNIQUE("integration_id","due"),
	CONSTRAINT "organization_integration_runs_outcome_check" CHECK (case when outcome is null then finished_at is null else outcome in ('succeeded', 'failed', 'cancelled') and finished_at is not null end),
	CONSTRAINT "organization_integration_runs_attempt_check" CHECK (attempt > 0),
	CONSTRAINT "organization_integration_runs_message_check" CHECK (length(message) between 1 and 1000),
	CONSTRAINT "organization_integration_runs_counts_check" CHECK (counts is null or case when jsonb_typeof(counts) = 'object' then length(counts::text) <= 4000 and not jsonb_path_exists(counts, 'strict $.* ? (@.type() <> "number")') else false end)
);
--> statement-breakpoint
ALTER TABLE "organization_integration_runs" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "integrations"."sync_plans" (
	"queue" text PRIMARY KEY NOT NULL,
	"planned_through" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "integrations"."sync_plans" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "organization_integration_events" ADD COLUMN "transaction_id" "xid8" DEFAULT pg_current_xact_id() NOT NULL;--> statement-breakpoint
ALTER TABLE "organization_integration_runs" ADD CONSTRAINT "organization_integration_runs_integration_id_fkey" FOREIGN KEY ("integration_id") REFERENCES "public"."organization_integrations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "organization_integration_changes_organization_id_created_at_idx" ON "organization_integration_changes" USING btree ("organization_id","created_at");--> statement-breakpoint
CREATE INDEX "organization_integration_changes_position_idx" ON "organization_integration_changes" USING btree ("transaction_id","created_at","id");--> statement-breakpoint
CREATE INDEX "organization_integration_runs_organization_id_due_idx" ON "organization_integration_runs" USING btree ("organization_id","due");--> statement-breakpoint
CREATE INDEX "organization_integration_events_position_idx" ON "organization_integration_events" USING btree ("transaction_id","created_at","id");--> statement-breakpoint
CREATE INDEX "organization_integration_events_alerts_idx" ON "organization_integration_events" USING btree ("transaction_id","created_at","id") WHERE action = 'alert';--> statement-breakpoint
CREATE INDEX "organization_integrations_scheduled_idx" ON "organization_integrations" USING btree ("id") WHERE status = 'active' and sync_schedule is not null;--> statement-breakpoint
CREATE POLICY "admins_can_read_own_changes" ON "organization_integration_changes" AS PERMISSIVE FOR SELECT TO "authenticated" USING (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) = 'admin');--> statement-breakpoint
CREATE POLICY "org_members_can_read_own_runs" ON "organization_integration_runs" AS PERMISSIVE FOR SELECT TO "authenticated" USING (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) in ('admin', 'coordinator'));