/**
 * What Supabase has and plain PostgreSQL lacks: the three API roles, reachable schema `public`, schema `extensions`.
 * Can run twice; needs a role that may create roles (BYPASSRLS for `service_role` needs a superuser, or PostgreSQL 16
 * and a role that has it).
 */
export const bootstrapSql = `\
do $bootstrap$
begin
  if to_regrole('anon') is null then create role anon nologin noinherit; end if;
  if to_regrole('authenticated') is null then create role authenticated nologin noinherit; end if;
  if to_regrole('service_role') is null then create role service_role nologin noinherit bypassrls; end if;
end $bootstrap$;
create schema if not exists extensions;
grant usage on schema public, extensions to anon, authenticated, service_role;`
