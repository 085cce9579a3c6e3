CREATE TYPE "public"."integration_status_enum" AS ENUM('active', 'inactive', 'error', 'pending_setup');--> statement-breakpoint
CREATE TYPE "public"."integration_type_enum" AS ENUM('xledger', 'dynamics', 'cornerstone', 'consio', 'bufdir');--> statement-breakpoint
CREATE TABLE "organization_integrations" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"organization_id" uuid NOT NULL,
	"integration_type" "integration_type_enum" NOT NULL,
	"status" "integration_status_enum" DEFAULT 'inactive' NOT NULL,
	"field_mappings" jsonb DEFAULT '{}'::jsonb,
	"sync_schedule" text,
	"excluded_features" jsonb DEFAULT '[]'::jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "organization_integrations_organization_id_integration_type_key" UNIQUE("organization_id","integration_type")
);
--> statement-breakpoint
ALTER TABLE "organization_integrations" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "organization_integrations" ADD CONSTRAINT "organization_integrations_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "public"."organizations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "organization_integrations_organization_id_idx" ON "organization_integrations" USING btree ("organization_id");--> statement-breakpoint
CREATE INDEX "organization_integrations_field_mappings_idx" ON "organization_integrations" USING gin ("field_mappings" jsonb_ops);--> statement-breakpoint
CREATE POLICY "org_members_can_read_own_integrations" ON "organization_integrations" AS PERMISSIVE FOR SELECT TO "authenticated" USING (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) in ('admin', 'coordinator'));--> statement-breakpoint
CREATE POLICY "admins_can_create_integrations" ON "organization_integrations" AS PERMISSIVE FOR INSERT TO "authenticated" WITH CHECK (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) = 'admin');--> statement-breakpoint
CREATE POLICY "admins_can_update_integrations" ON "organization_integrations" AS PERMISSIVE FOR UPDATE TO "authenticated" USING (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) = 'admin') WITH CHECK (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) = 'admin');--> statement-breakpoint
CREATE POLICY "admins_can_delete_integrations" ON "organization_integrations" AS PERMISSIVE FOR DELETE TO "authenticated" USING (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) = 'admin');