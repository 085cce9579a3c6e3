CREATE TABLE "integrations"."encrypted_secrets" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"key_id" text NOT NULL,
	"ciphertext" "bytea" NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "integrations"."encrypted_secrets" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "organization_integration_credentials" (
	"integration_id" uuid NOT NULL,
	"version" bigint NOT NULL,
	"store" text NOT NULL,
	"secret_id" uuid,
	"field_names" text[] NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"readable_until" timestamp with time zone,
	CONSTRAINT "organization_integration_credentials_pkey" PRIMARY KEY("integration_id","version"),
	CONSTRAINT "organization_integration_credentials_store_check" CHECK (store in ('vault', 'pgcrypto')),
	CONSTRAINT "organization_integration_credentials_version_check" CHECK (version > 0)
);
--> statement-breakpoint
ALTER TABLE "organization_integration_credentials" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "organization_integration_events" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"organization_id" uuid,
	"integration_id" uuid,
	"integration_type" text,
	"action" text NOT NULL,
	"outcome" text NOT NULL,
	"actor" text NOT NULL,
	"reason" text,
	"version" bigint,
	CONSTRAINT "organization_integration_events_action_check" CHECK (action in ('store', 'rotate', 'retrieve', 'revoke', 'delete', 'alert'))
);
--> statement-breakpoint
ALTER TABLE "organization_integration_events" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "integrations"."retrieval_requests" (
	"event_id" uuid PRIMARY KEY NOT NULL,
	"integration_id" uuid NOT NULL,
	"version" bigint NOT NULL,
	"transaction_id" bigint NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"used_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "integrations"."retrieval_requests" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "integrations"."revoked_grants" (
	"statement" text PRIMARY KEY NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "integrations"."revoked_grants" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "organization_integration_credentials" ADD CONSTRAINT "organization_integration_credentials_integration_id_fkey" FOREIGN KEY ("integration_id") REFERENCES "public"."organization_integrations"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "organization_integration_credentials_current_key" ON "organization_integration_credentials" USING btree ("integration_id") WHERE secret_id is not null and readable_until is null;--> statement-breakpoint
CREATE INDEX "organization_integration_events_organization_id_created_at_idx" ON "organization_integration_events" USING btree ("organization_id","created_at");--> statement-breakpoint
CREATE POLICY "admins_can_read_own_events" ON "organization_integration_events" AS PERMISSIVE FOR SELECT TO "authenticated" USING (organization_id = (select integrations.current_organization_id()) and (select integrations.current_organization_role()) = 'admin');