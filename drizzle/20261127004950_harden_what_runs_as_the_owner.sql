CREATE TABLE "integrations"."operator_turns" (
	"name" text PRIMARY KEY NOT NULL
);
--> statement-breakpoint
ALTER TABLE "integrations"."operator_turns" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "integrations"."retrieval_requests" ADD COLUMN "organization_id" uuid;--> statement-breakpoint
ALTER TABLE "integrations"."retrieval_requests" ADD COLUMN "actor" text;--> statement-breakpoint
ALTER TABLE "integrations"."retrieval_requests" ADD COLUMN "login" text;