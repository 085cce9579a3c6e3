import type postgres from 'postgres'
import { acmeId } from './attacked.ts'

/** One way to get isolation wrong, as the statement that does it to a correct database. */
export type Mutant = { name: string; sql: string }

const roles = ['anon', 'authenticated', 'service_role', 'public']
const privileges = ['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']

/** Every mutant of every policy, table, grant and function that the live catalog has. */
export async function mutantsOf(sql: postgres.Sql): Promise<Mutant[]> {
  return [
    ...(await policyMutants(sql)),
    ...(await tableMutants(sql)),
    ...(await functionMutants(sql)),
    ...(await schemaMutants(sql)),
  ]
}

type Policy = {
  name: string
  table: string
  command: string
  roles: string
  using: string | null
  check: string | null
}

async function policyMutants(sql: postgres.Sql): Promise<Mutant[]> {
  const policies = await sql<Policy[]>`
    select polname as name, polrelid::regclass::text as table, polcmd as command,
      (select string_agg(quote_ident(rolname), ', ') from pg_roles where oid = any (polroles)) as roles,
      pg_get_expr(polqual, polrelid) as using, pg_get_expr(polwithcheck, polrelid) as check
    from pg_policy where polrelid::regclass::text like 'organization\\_integration%'`
  return policies.flatMap((policy) => {
    const { name, table } = policy
    const alter = (what: string, clause: string) => ({
      name: `policy ${name}: ${what}`,
      sql: `alter policy ${name} on ${table} ${clause}`,
    })
    const again = (what: string, change: Partial<Policy>) => ({
      name: `policy ${name}: ${what}`,
      sql: `drop policy ${name} on ${table}; ${createPolicy({ ...policy, ...change })}`,
    })
    const clauses = [
      ['using', policy.using],
      ['with check', policy.check],
    ] as const
    return [
      { name: `policy ${name}: dropped`, sql: `drop policy ${name} on ${table}` },
      ...clauses.flatMap(([clause, expression]) =>
        expression === null
          ? []
          : expressionMutants(expression).map(([what, text]) => alter(`${clause} ${what}`, `${clause} (${text})`)),
      ),
      alter('to public', 'to public'),
      alter('to anon as well', 'to authenticated, anon'),
      alter('to service_role instead', 'to service_role'),
      // A wider command needs the clause the narrower one did not have.
      again('for all', { command: '*', using: policy.using ?? policy.check, check: policy.check }),
      again('restrictive', { command: `${policy.command} restrictive` }),
    ]
  })
}

function createPolicy({ name, table, command, roles, using, check }: Policy): string {
  const verbs: Record<string, string> = { r: 'select', a: 'insert', w: 'update', d: 'delete', '*': 'all' }
  const [verb = '', kind = 'permissive'] = command.split(' ')
  return `create policy ${name} on ${table} as ${kind} for ${verbs[verb]} to ${roles}${using ? ` using (${using})` : ''}${check ? ` with check (${check})` : ''}`
}

/** Every small mistake in a condition: replaced, negated, an operator turned round, a conjunct lost, a role added or lost. */
function expressionMutants(expression: string): [string, string][] {
  const conjuncts = topLevel(expression, ' AND ')
  return [
    ['true', 'true'],
    ['negated', `not (${expression})`],
    ['negated but safe for null', `(${expression}) is not true`],
    ...each(expression, ' = ', ' <> '),
    ...each(expression, ' AND ', ' OR '),
    ...each(expression, "'admin'", "'coordinator'"),
    ...each(expression, "'coordinator'", "'member'"),
    ...each(expression, "= 'admin'::text", "= any (array['admin', 'coordinator'])"),
    ...each(expression, "= 'admin'::text", "<> 'nobody'"),
    ...each(expression, 'integrations.current_organization_id()', 'organization_id'),
    ...(conjuncts.length < 2
      ? []
      : conjuncts.map((conjunct, i): [string, string] => [
          `without ${shorten(conjunct)}`,
          conjuncts.filter((_, j) => j !== i).join(' AND '),
        ])),
  ]
}

/** One mutant per occurrence. */
function each(text: string, from: string, to: string): [string, string][] {
  const pieces = text.split(from)
  return pieces
    .slice(1)
    .map((_, i) => [
      `"${from.trim()}" to "${to.trim()}" (${i + 1})`,
      pieces.slice(0, i + 1).join(from) + to + pieces.slice(i + 1).join(from),
    ])
}

/** Splits `((a) AND (b))` into its conjuncts, brackets considered. */
function topLevel(expression: string, separator: string): string[] {
  const inner = expression.startsWith('(') && closes(expression) ? expression.slice(1, -1) : expression
  const parts: string[] = []
  let depth = 0
  let from = 0
  for (let i = 0; i < inner.length; i++) {
    if (inner[i] === '(') depth++
    if (inner[i] === ')') depth--
    if (depth === 0 && inner.startsWith(separator, i)) {
      parts.push(inner.slice(from, i))
      from = i + separator.length
    }
  }
  return [...parts, inner.slice(from)]
}

function closes(expression: string): boolean {
  let depth = 0
  for (let i = 0; i < expression.length; i++) {
    if (expression[i] === '(') depth++
    if (expression[i] === ')' && --depth === 0) return i === expression.length - 1
  }
  return false
}

async function tableMutants(sql: postgres.Sql): Promise<Mutant[]> {
  const tables = await sql<{ table: string; grants: string[] }[]>`
    select pg_class.oid::regclass::text as table, array(
        select lower(privilege_type) || ' ' || coalesce(nullif(grantee, 0)::regrole::text, 'public') from aclexplode(relacl) where grantee <> relowner
      ) as grants
    from pg_class where relkind = 'r' and (relname like 'organization\\_integration%' or relnamespace = 'integrations'::regnamespace)`
  return tables.flatMap(({ table, grants }) => [
    { name: `table ${table}: row-level security off`, sql: `alter table ${table} disable row level security` },
    { name: `table ${table}: not forced`, sql: `alter table ${table} no force row level security` },
    {
      name: `table ${table}: a view around it`,
      sql: `create view around as select * from ${table}; grant select on around to authenticated`,
    },
    {
      name: `table ${table}: a definer function around it`,
      sql: `create function around() returns setof ${table} language sql security definer as 'select * from ${table}'`,
    },
    {
      name: `table ${table}: one column granted to anon`,
      sql: `do $$ begin execute format('grant select (%I) on ${table} to anon', (select attname from pg_attribute where attrelid = '${table}'::regclass and attnum = 1)); end $$`,
    },
    ...roles.flatMap((role) =>
      privileges.map((privilege) =>
        grants.includes(`${privilege} ${role}`)
          ? {
              name: `table ${table}: ${privilege} revoked from ${role}`,
              sql: `revoke ${privilege} on ${table} from ${role}`,
            }
          : {
              name: `table ${table}: ${privilege} granted to ${role}`,
              sql: `grant ${privilege} on ${table} to ${role}`,
            },
      ),
    ),
    {
      name: `table ${table}: select with grant option`,
      sql: `grant select on ${table} to authenticated with grant option`,
    },
  ])
}

async function functionMutants(sql: postgres.Sql): Promise<Mutant[]> {
  const functions = await sql<FunctionUnderTest[]>`
    select oid::regprocedure::text as signature, pg_get_functiondef(oid) as definition, prosecdef as definer, provolatile as volatility,
      proname as name, array(select coalesce(nullif(grantee, 0)::regrole::text, 'public') from aclexplode(proacl)) as executors
    from pg_proc where pronamespace in ('integrations'::regnamespace, 'integrations_api'::regnamespace) order by 1`
  return functions.flatMap((one) => [
    ...attributeMutants(one),
    ...(one.definer ? definerBodyMutants(one) : claimsBodyMutants(one)),
  ])
}

type FunctionUnderTest = {
  signature: string
  name: string
  definition: string
  definer: boolean
  volatility: string
  executors: string[]
}

function attributeMutants({ signature, definer, volatility, executors }: FunctionUnderTest): Mutant[] {
  const other = definer ? 'invoker' : 'definer'
  const otherVolatility = volatility === 's' ? 'volatile' : 'stable'
  return [
    { name: `function ${signature}: security ${other}`, sql: `alter function ${signature} security ${other}` },
    ...pathMutants(signature),
    { name: `function ${signature}: ${otherVolatility}`, sql: `alter function ${signature} ${otherVolatility}` },
    ...roles.map((role) =>
      executors.includes(role)
        ? {
            name: `function ${signature}: execute revoked from ${role}`,
            sql: `revoke execute on function ${signature} from ${role}`,
          }
        : {
            name: `function ${signature}: execute granted to ${role}`,
            sql: `grant execute on function ${signature} to ${role}`,
          },
    ),
  ]
}

/** PostgreSQL looks into pg_temp first, for types and relations, unless it is named elsewhere. */
export function pathMutants(signature: string): Mutant[] {
  const alter = (what: string, change: string) => ({
    name: `function ${signature}: ${what}`,
    sql: `alter function ${signature} ${change}`,
  })
  return [
    alter('no search_path', 'reset search_path'),
    alter('path empty', "set search_path = ''"),
    alter('pg_temp first', 'set search_path = pg_temp, pg_catalog'),
    alter('pg_temp missing', 'set search_path = pg_catalog'),
  ]
}

function replaced({ signature, definition }: FunctionUnderTest, what: string, from: string, to: string): Mutant[] {
  return definition.includes(from)
    ? [{ name: `function ${signature}: ${what}`, sql: definition.replace(from, to) }]
    : []
}

/** Who the caller is, and whose integration: what a definer function has instead of a policy. */
function definerBodyMutants(one: FunctionUnderTest): Mutant[] {
  const own = 'i.organization_id = caller.organization_id'
  const isAdmin = "not caller.is_service and caller.organization_role is distinct from 'admin'"
  return [
    ...replaced(one, 'everybody is the service', 'is_service := pg_has_role(', 'is_service := true or pg_has_role('),
    ...replaced(one, 'members of authenticated are the service', "'service_role', 'usage'", "'authenticated', 'usage'"),
    ...replaced(
      one,
      'the login decides, not the role',
      "coalesce(nullif(current_setting('role'), 'none'), session_user)",
      'session_user',
    ),
    ...replaced(
      one,
      'the owner decides, not the role',
      "coalesce(nullif(current_setting('role'), 'none'), session_user)",
      'current_user',
    ),
    ...replaced(
      one,
      'the organization from the raw claims',
      'organization_id := integrations.current_organization_id()',
      "organization_id := (claims ->> 'organization_id')::uuid",
    ),
    ...replaced(
      one,
      'the role from the raw claims',
      'organization_role := integrations.current_organization_role()',
      "organization_role := claims ->> 'role'",
    ),
    ...replaced(one, 'any role may', isAdmin, 'false'),
    ...replaced(one, 'any role but none may', isAdmin, 'not caller.is_service and caller.organization_role is null'),
    ...replaced(
      one,
      'coordinators may',
      isAdmin,
      "not caller.is_service and caller.organization_role not in ('admin', 'coordinator')",
    ),
    ...replaced(one, 'of any organization', own, 'true'),
    ...replaced(one, 'of any but the own organization', own, 'i.organization_id <> caller.organization_id'),
    ...replaced(
      one,
      'described to any role',
      "caller.is_service or caller.organization_role in ('admin', 'coordinator')",
      'true',
    ),
    ...replaced(one, 'described to members', "in ('admin', 'coordinator')", "in ('admin', 'coordinator', 'member')"),
    ...replaced(one, 'not described to coordinators', "in ('admin', 'coordinator')", "in ('admin')"),
    ...replaced(one, 'answers for any organization', `(caller.is_service or ${own})`, 'true'),
    ...replaced(one, 'a text that standard_conforming_strings changes', "E'\\\\1_\\\\2'", "'\\1_\\2'"),
    ...replaced(
      one,
      'forgets whose the request is',
      'request.transaction_id = pg_current_xact_id()::text::bigint',
      'false',
    ),
  ]
}

function claimsBodyMutants(one: FunctionUnderTest): Mutant[] {
  const read = one.definition.match(/return (.*);/)?.[1] ?? ''
  // As a hasty author might write it: the first organization, or the role that may do everything.
  const someone = one.signature.includes('_role') ? `'admin'` : `'${acmeId}'::uuid`
  return [
    ...replaced(one, 'reads user_metadata', '{app_metadata,', '{user_metadata,'),
    ...replaced(one, 'reads the top level', '{app_metadata,', '{'),
    ...replaced(one, 'reads another setting', "'request.jwt.claims'", "'request.claims'"),
    ...replaced(one, 'falls back to user_metadata', 'return null', `return ${read.replace('app_', 'user_')}`),
    ...replaced(one, 'prefers user_metadata', read, `coalesce(${read.replace('app_', 'user_')}, ${read})`),
    ...replaced(one, 'fills in from user_metadata', read, `coalesce(${read}, ${read.replace('app_', 'user_')})`),
    ...replaced(one, 'fills in from the top level', read, `coalesce(${read}, ${read.replace('app_metadata,', '')})`),
    ...replaced(one, 'fills in a default', read, `coalesce(${read}, ${someone})`),
    ...replaced(one, 'answers somebody where it cannot read', 'return null', `return ${someone}`),
    ...replaced(one, 'raises on claims that are no JSON', 'when data_exception or', 'when'),
    ...replaced(one, 'raises on claims nested too deeply', ' or statement_too_complex', ''),
  ]
}

async function schemaMutants(sql: postgres.Sql): Promise<Mutant[]> {
  const schemas = await sql<{ name: string; grants: string[] }[]>`
    select nspname as name,
      array(select lower(privilege_type) || ' ' || coalesce(nullif(grantee, 0)::regrole::text, 'public') from aclexplode(nspacl)) as grants
    from pg_namespace where nspname in ('integrations', 'integrations_api') order by 1`
  return schemas.flatMap(({ name, grants }) =>
    roles.flatMap((role) =>
      ['usage', 'create'].map((privilege) =>
        grants.includes(`${privilege} ${role}`)
          ? {
              name: `schema ${name}: ${privilege} revoked from ${role}`,
              sql: `revoke ${privilege} on schema ${name} from ${role}`,
            }
          : {
              name: `schema ${name}: ${privilege} granted to ${role}`,
              sql: `grant ${privilege} on schema ${name} to ${role}`,
            },
      ),
    ),
  )
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
