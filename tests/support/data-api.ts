import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { jwtVerify } from 'jose'
import postgres from 'postgres'

/*
 * A Data API for tests: PostgREST is a program in Haskell that no registry here has, so this answers in its place. It
 * verifies tokens, takes PostgREST's URLs and headers, sends the statements that PostgREST 14 sends (settings, role and
 * claims, one CTE) and answers with its statuses. No embedding, no ranges, the filters below.
 */

export type DataApi = { url: string; stop(): Promise<void> }

type Options = {
  /** Of a login that may become `anon`, `authenticated` and `service_role`, as Supabase's `authenticator` may. */
  url: string
  jwtSecret: string
  /** The first is the default, as in `config.toml`. */
  schemas: string[]
}

class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message)
  }
}

type Claims = Record<string, unknown> & { role?: string }
type Request = {
  method: string
  path: string
  search: URLSearchParams
  prefer: string
  single: boolean
  schema: string
  body: string
  claims: Claims
}
type Query = { text: string; values: string[]; readOnly: boolean }
type Row = { body: unknown; response_status: string | null; rows: number }

const name = (identifier: string) => `"${identifier.replaceAll('"', '""')}"`

export async function startDataApi(options: Options): Promise<DataApi> {
  const sql = postgres(options.url, { max: 4, fetch_types: false, onnotice: () => {} })
  const server = createServer((request, response) => {
    answer(sql, options, request)
      .then(({ status, body }) => send(response, status, body))
      .catch((error) => send(response, ...refused(error)))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
      await sql.end()
    },
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(body === undefined ? '' : JSON.stringify(body))
}

async function answer(sql: postgres.Sql, options: Options, incoming: IncomingMessage) {
  const request = await read(options, incoming)
  return run(sql, request).catch((error) => {
    const isAnonymous = (request.claims.role ?? 'anon') === 'anon'
    if (error.code === '42501' && isAnonymous) throw new Refusal(401, error.code, error.message)
    throw error
  })
}

async function run(sql: postgres.Sql, request: Request) {
  const { claims } = request
  return sql.begin(async (tx) => {
    const query = await build(tx, request)
    if (query.readOnly) await tx`set transaction read only`
    await tx`select set_config('search_path', ${`${name(request.schema)}, "public", "extensions"`}, true),
      set_config('role', ${claims.role ?? 'anon'}, true), set_config('request.jwt.claims', ${JSON.stringify(claims)}, true),
      set_config('request.method', ${request.method}, true), set_config('request.path', ${request.path}, true)`
    const [row] = await tx.unsafe<Row[]>(query.text, query.values)
    if (row === undefined) throw new Error('no row')
    if (request.single && !request.path.startsWith('/rpc/') && row.rows !== 1)
      throw new Refusal(406, 'PGRST116', 'Cannot coerce the result to a single JSON object')
    const isWrite = ['POST', 'PATCH', 'DELETE'].includes(request.method) && !request.path.startsWith('/rpc/')
    const silent = isWrite && !request.prefer.includes('return=representation')
    const status = Number(row.response_status ?? (request.method === 'POST' && isWrite ? 201 : silent ? 204 : 200))
    const body = request.single && Array.isArray(row.body) ? row.body[0] : row.body
    return { status, body: silent ? undefined : body }
  })
}

async function read(options: Options, incoming: IncomingMessage): Promise<Request> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const url = new URL(incoming.url ?? '/', 'http://localhost')
  const method = incoming.method ?? 'GET'
  const header = (key: string) => String(incoming.headers[key] ?? '')
  const schema = header(method === 'GET' ? 'accept-profile' : 'content-profile') || (options.schemas[0] ?? 'public')
  if (!options.schemas.includes(schema))
    throw new Refusal(406, 'PGRST106', `Invalid schema: ${schema}; exposed are ${options.schemas.join(', ')}`)
  return {
    method,
    path: url.pathname.replace(/^\/rest\/v1/, ''),
    search: url.searchParams,
    prefer: header('prefer'),
    single: header('accept').includes('vnd.pgrst.object'),
    schema,
    body: Buffer.concat(chunks).toString('utf8'),
    claims: await verified(header('authorization'), options.jwtSecret),
  }
}

async function verified(authorization: string, secret: string): Promise<Claims> {
  const token = /^Bearer (.+)$/.exec(authorization)?.[1]
  if (token === undefined) return {}
  try {
    const { payload } = await jwtVerify(token, new TextEncoder().encode(secret), { algorithms: ['HS256'] })
    return payload as Claims
  } catch (error) {
    const expired = (error as { code?: string }).code === 'ERR_JWT_EXPIRED'
    throw new Refusal(401, expired ? 'PGRST303' : 'PGRST301', expired ? 'JWT expired' : 'JWT is not valid')
  }
}

const result = (source: string, body: string) => `
  with pgrst_source as (${source})
  select ${body} as body, count(_postgrest_t)::integer as rows, nullif(current_setting('response.status', true), '') as response_status
  from (select * from pgrst_source) as _postgrest_t`
const list = `coalesce(json_agg(_postgrest_t), '[]')`

async function build(tx: postgres.TransactionSql, request: Request): Promise<Query> {
  const called = /^\/rpc\/(\w+)$/.exec(request.path)?.[1]
  if (called !== undefined) return call(tx, request, called)
  const table = /^\/(\w+)$/.exec(request.path)?.[1] ?? ''
  const target = `${name(request.schema)}.${name(table)}`
  const values: string[] = []
  const where = [...request.search].flatMap(([column, condition]) =>
    ['select', 'order', 'limit', 'offset', 'on_conflict', 'columns'].includes(column)
      ? []
      : [filter(`${target}.${name(column)}`, condition, values)],
  )
  const condition = where.length === 0 ? '' : ` where ${where.join(' and ')}`
  const selected = (request.search.get('select') ?? '*')
    .split(',')
    .map((column) => (column === '*' ? `${target}.*` : `${target}.${name(column)}`))
    .join(', ')
  const returning = request.prefer.includes('return=representation') ? selected : '1'
  if (request.method === 'GET') {
    const order = (request.search.get('order') ?? '').split(',').filter(Boolean).map(ordering)
    const by = order.length === 0 ? '' : ` order by ${order.join(', ')}`
    const limit = request.search.has('limit') ? ` limit ${Number(request.search.get('limit'))}` : ''
    return { text: result(`select ${selected} from ${target}${condition}${by}${limit}`, list), values, readOnly: true }
  }
  if (request.method === 'DELETE')
    return { text: result(`delete from ${target}${condition} returning ${returning}`, list), values, readOnly: false }
  const columns = columnsOf(request.body)
  const source = await bodyRows(tx, request, target, table, columns, values)
  const names = columns.map(name).join(', ')
  if (request.method === 'PATCH') {
    const set = columns.map((column) => `${name(column)} = pgrst_body.${name(column)}`).join(', ')
    const text = `update ${target} set ${set} from ${source}${condition} returning ${returning}`
    return { text: result(text, list), values, readOnly: false }
  }
  const merge = request.prefer.includes('resolution=merge-duplicates')
    ? ` on conflict (${(request.search.get('on_conflict') ?? '').split(',').map(name).join(', ')}) do update set ${columns
        .map((column) => `${name(column)} = excluded.${name(column)}`)
        .join(', ')}`
    : ''
  const given = columns.map((column) => `pgrst_body.${name(column)}`).join(', ')
  const text = `insert into ${target} (${names}) select ${given} from ${source}${merge} returning ${returning}`
  return { text: result(text, list), values, readOnly: false }
}

function columnsOf(body: string): string[] {
  const parsed = JSON.parse(body) as object | object[]
  return [...new Set((Array.isArray(parsed) ? parsed : [parsed]).flatMap((row) => Object.keys(row)))]
}

async function bodyRows(
  tx: postgres.TransactionSql,
  { body, schema }: Request,
  target: string,
  table: string,
  columns: string[],
  values: string[],
): Promise<string> {
  const rows = await tx<{ name: string; type: string }[]>`
    select a.attname as name, format_type(a.atttypid, a.atttypmod) as type from pg_attribute as a
    join pg_class as c on c.oid = a.attrelid join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relname = ${table} and a.attnum > 0 and not a.attisdropped`
  const types = new Map(rows.map(({ name, type }) => [name, type]))
  const unknown = columns.find((column) => !types.has(column))
  if (unknown !== undefined)
    throw new Refusal(400, 'PGRST204', `Could not find the '${unknown}' column of ${target} in the schema cache`)
  values.push(body)
  const payload = `$${values.length}::text::json`
  const declared = columns.map((column) => `${name(column)} ${types.get(column)}`).join(', ')
  return `(select * from json_to_recordset(case when json_typeof(${payload}) = 'array' then ${payload} else json_build_array(${payload}) end)
    as _ (${declared})) as pgrst_body`
}

function filter(column: string, condition: string, values: string[]): string {
  const [, operator = '', value = ''] = /^(\w+)\.(.*)$/s.exec(condition) ?? []
  const operators: Record<string, string> = { eq: '=', neq: '<>', gt: '>', gte: '>=', lt: '<', lte: '<=', cs: '@>' }
  if (operator === 'is' && /^(null|true|false)$/.test(value)) return `${column} is ${value}`
  if (operators[operator] === undefined) throw new Refusal(400, 'PGRST100', `cannot parse the filter of ${column}`)
  values.push(value)
  return `${column} ${operators[operator]} $${values.length}`
}

function ordering(text: string): string {
  const [column = '', direction = 'asc'] = text.split('.')
  return `${name(column)} ${direction === 'desc' ? 'desc' : 'asc'}`
}

async function call(tx: postgres.TransactionSql, request: Request, called: string): Promise<Query> {
  const given = Object.keys(JSON.parse(request.body || '{}'))
  const [found] = await tx<{ names: string[]; types: string[]; stable: boolean }[]>`
    select to_json(coalesce(p.proargnames, '{}')) as names, p.provolatile <> 'v' as stable,
      to_json(array(select format_type(t, null) from unnest(p.proargtypes) as t)) as types
    from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
    where n.nspname = ${request.schema} and p.proname = ${called}
      and coalesce(p.proargnames, '{}') @> ${`{${given}}`}::text::text[]
      and cardinality(coalesce(p.proargnames, '{}')) - p.pronargdefaults <= ${given.length}`
  if (found === undefined)
    throw new Refusal(404, 'PGRST202', `Could not find the function ${request.schema}.${called}(${given.join(', ')})`)
  const declared = given.map((one) => `${name(one)} ${found.types[found.names.indexOf(one)]}`).join(', ')
  const passed = given.map((one) => `${name(one)} := pgrst_body.${name(one)}`).join(', ')
  const from = given.length === 0 ? '' : ` from json_to_record($1::text::json) as pgrst_body (${declared})`
  return {
    text: result(
      `select ${name(request.schema)}.${name(called)}(${passed}) as pgrst_scalar${from}`,
      '(json_agg(_postgrest_t.pgrst_scalar) -> 0)',
    ),
    values: given.length === 0 ? [] : [request.body],
    readOnly: found.stable,
  }
}

/** As PostgREST's documentation lists SQLSTATEs. */
function refused(error: unknown): [number, object] {
  if (error instanceof Refusal)
    return [error.status, { code: error.code, message: error.message, details: null, hint: null }]
  const { code = '', message, detail = null, hint = null } = error as Record<string, string>
  if (!/^[0-9A-Z]{5}$/.test(code)) return [500, { code: 'PGRSTX00', message, details: null, hint: null }]
  const known: Record<string, number> = { '42501': 403, '42883': 404, '42P01': 404, '23503': 409, '23505': 409 }
  const status = known[code] ?? (/^(22|23|42|P0)/.test(code) ? 400 : 500)
  return [status, { code, message, details: detail, hint }]
}
