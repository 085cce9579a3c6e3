-- What supabase/migrations produce, as pg_dump sees it. Written by npm run db:generate; never applied.

CREATE SCHEMA integrations;

CREATE TYPE public.integration_status_enum AS ENUM (
    'active',
    'inactive',
    'error',
    'pending_setup'
);

COMMENT ON TYPE public.integration_status_enum IS 'Labels must match the constants of the Flutter app''s Dart registry, letter for letter; adding or renaming one means changing both.';

CREATE TYPE public.integration_type_enum AS ENUM (
    'xledger',
    'dynamics',
    'cornerstone',
    'consio',
    'bufdir'
);

COMMENT ON TYPE public.integration_type_enum IS 'Labels must match the constants of the Flutter app''s Dart registry, letter for letter; adding or renaming one means changing both.';

CREATE FUNCTION integrations.current_organization_id() RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
  begin
    return (current_setting('request.jwt.claims', true)::jsonb #>> '{app_metadata,organization_id}')::uuid;
  exception when data_exception or statement_too_complex then
    return null;
  end
  $$;

COMMENT ON FUNCTION integrations.current_organization_id() IS 'The organization of the caller, from request.jwt.claims; null where there is none. Policies depend on it.';

CREATE FUNCTION integrations.current_organization_role() RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO ''
    AS $$
  begin
    return (current_setting('request.jwt.claims', true)::jsonb #>> '{app_metadata,role}')::text;
  exception when data_exception or statement_too_complex then
    return null;
  end
  $$;

COMMENT ON FUNCTION integrations.current_organization_role() IS 'The role of the caller in that organization, from request.jwt.claims; null where there is none. Policies depend on it.';

CREATE TABLE public.organization_integrations (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    organization_id uuid NOT NULL,
    integration_type public.integration_type_enum NOT NULL,
    status public.integration_status_enum DEFAULT 'inactive'::public.integration_status_enum NOT NULL,
    field_mappings jsonb DEFAULT '{}'::jsonb,
    sync_schedule text,
    excluded_features jsonb DEFAULT '[]'::jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.organization_integrations FORCE ROW LEVEL SECURITY;

ALTER TABLE ONLY public.organization_integrations
    ADD CONSTRAINT organization_integrations_organization_id_integration_type_key UNIQUE (organization_id, integration_type);

ALTER TABLE ONLY public.organization_integrations
    ADD CONSTRAINT organization_integrations_pkey PRIMARY KEY (id);

CREATE INDEX organization_integrations_field_mappings_idx ON public.organization_integrations USING gin (field_mappings);

CREATE INDEX organization_integrations_organization_id_idx ON public.organization_integrations USING btree (organization_id);

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.organization_integrations FOR EACH ROW EXECUTE FUNCTION extensions.moddatetime('updated_at');

ALTER TABLE ONLY public.organization_integrations
    ADD CONSTRAINT organization_integrations_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id) ON DELETE CASCADE;

CREATE POLICY admins_can_create_integrations ON public.organization_integrations FOR INSERT TO authenticated WITH CHECK (((organization_id = ( SELECT integrations.current_organization_id() AS current_organization_id)) AND (( SELECT integrations.current_organization_role() AS current_organization_role) = 'admin'::text)));

CREATE POLICY admins_can_delete_integrations ON public.organization_integrations FOR DELETE TO authenticated USING (((organization_id = ( SELECT integrations.current_organization_id() AS current_organization_id)) AND (( SELECT integrations.current_organization_role() AS current_organization_role) = 'admin'::text)));

CREATE POLICY admins_can_update_integrations ON public.organization_integrations FOR UPDATE TO authenticated USING (((organization_id = ( SELECT integrations.current_organization_id() AS current_organization_id)) AND (( SELECT integrations.current_organization_role() AS current_organization_role) = 'admin'::text))) WITH CHECK (((organization_id = ( SELECT integrations.current_organization_id() AS current_organization_id)) AND (( SELECT integrations.current_organization_role() AS current_organization_role) = 'admin'::text)));

CREATE POLICY org_members_can_read_own_integrations ON public.organization_integrations FOR SELECT TO authenticated USING (((organization_id = ( SELECT integrations.current_organization_id() AS current_organization_id)) AND (( SELECT integrations.current_organization_role() AS current_organization_role) = ANY (ARRAY['admin'::text, 'coordinator'::text]))));

ALTER TABLE public.organization_integrations ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA integrations TO authenticated;
GRANT USAGE ON SCHEMA integrations TO service_role;

GRANT USAGE ON SCHEMA public TO anon;
GRANT USAGE ON SCHEMA public TO authenticated;
GRANT USAGE ON SCHEMA public TO service_role;

REVOKE ALL ON FUNCTION integrations.current_organization_id() FROM PUBLIC;
GRANT ALL ON FUNCTION integrations.current_organization_id() TO authenticated;
GRANT ALL ON FUNCTION integrations.current_organization_id() TO service_role;

REVOKE ALL ON FUNCTION integrations.current_organization_role() FROM PUBLIC;
GRANT ALL ON FUNCTION integrations.current_organization_role() TO authenticated;
GRANT ALL ON FUNCTION integrations.current_organization_role() TO service_role;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.organization_integrations TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.organization_integrations TO service_role;
