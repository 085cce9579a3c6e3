import { eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/postgres-js'
import { Kysely, sql as kyselySql, PostgresDialect } from 'kysely'
import pg from 'pg'
import postgres from 'postgres'
import type * as Package from '../src/index.ts'
import { organizationIntegrations as table } from '../src/schema/index.ts'
import { hexLiteral } from '../src/util/literal.ts'

// What users run: built, not as the TypeScript loader of the other scripts would have it, which names every closure.
const built = new URL('../dist/index.js', import.meta.url).href
const { createIntegrationsDb } = (await import(built)) as typeof Package

/** One way to list an organization's integrations. */
export type Contender = {
  name: string
  scoped: boolean
  list(organizationId: string): PromiseLike<readonly unknown[]>
  end(): Promise<void>
}

export type Logins = { admin: string; scoped: string }

const claimsOf = (organizationId: string) =>
  JSON.stringify({ role: 'authenticated', app_metadata: { organization_id: organizationId, role: 'admin' } })

/** Every contender, `max` connections each. Unscoped ones use a login that needs no scope: the point of comparison. */
export function contenders(urls: Logins, max: number): Contender[] {
  return [
    rawPostgres(urls.admin, max),
    repository(urls.scoped, max),
    rawNodePostgres(urls.admin, max),
    rawScoped(urls.scoped, max),
    nodePostgresScoped(urls.scoped, max),
    drizzleUnscoped(urls.admin, max),
    drizzleDocumented(urls.scoped, max),
    kyselyScoped(urls.scoped, max),
  ]
}

function rawPostgres(url: string, max: number): Contender {
  const client = postgres(url, { max })
  return {
    name: 'postgres.js, unscoped',
    scoped: false,
    list: (
      id,
    ) => client`select id, organization_id, integration_type, status, field_mappings, sync_schedule, excluded_features,
      created_at, updated_at, xmin::text from organization_integrations where organization_id = ${id} order by created_at, id`,
    end: () => client.end(),
  }
}

const listed = `select id, organization_id, integration_type, status, field_mappings, sync_schedule, excluded_features,
  created_at, updated_at, xmin::text from organization_integrations where organization_id = $1 order by created_at, id`

function poolOf(url: string, max: number): pg.Pool {
  // Unheard, the end of a server that is stopped would end this process.
  return new pg.Pool({ connectionString: url, max }).on('error', () => {})
}

function rawNodePostgres(url: string, max: number): Contender {
  const pool = poolOf(url, max)
  return {
    name: 'node-postgres, unscoped',
    scoped: false,
    list: async (id) => (await pool.query({ name: 'list', text: listed, values: [id] })).rows,
    end: () => pool.end(),
  }
}

/** As its documentation shows a transaction, with named statements. */
function nodePostgresScoped(url: string, max: number): Contender {
  const pool = poolOf(url, max)
  const settings = `select set_config('request.jwt.claims', $1, true), set_config('role', 'authenticated', true)`
  return {
    name: 'node-postgres, scoped in a transaction',
    scoped: true,
    async list(id) {
      const client = await pool.connect()
      try {
        await client.query('begin')
        await client.query({ name: 'scope', text: settings, values: [claimsOf(id)] })
        const { rows } = await client.query({ name: 'list', text: listed, values: [id] })
        await client.query('commit')
        return rows
      } finally {
        client.release()
      }
    },
    end: () => pool.end(),
  }
}

function repository(url: string, max: number): Contender {
  const db = createIntegrationsDb({ url, max })
  return {
    name: 'this package: integrations.list()',
    scoped: true,
    list: (organizationId) => db.forOrganization({ organizationId, role: 'admin' }).integrations.list(),
    end: () => db.end(),
  }
}

/** The best that can be had by hand with bound parameters: one connection at a time, three messages in one packet. */
function rawScoped(url: string, max: number): Contender {
  const idle = Array.from({ length: max }, () => postgres(url, { max: 1, fetch_types: false }))
  const clients = [...idle]
  const waiting: ((client: postgres.Sql) => void)[] = []
  return {
    name: 'postgres.js, scoped by hand, pipelined',
    scoped: true,
    async list(id) {
      const client = idle.pop() ?? (await new Promise<postgres.Sql>((resolve) => waiting.push(resolve)))
      const claims = Buffer.from(claimsOf(id)).toString('hex')
      try {
        const [, rows] = await Promise.all([
          client.unsafe(
            `begin; set local role authenticated; select set_config('request.jwt.claims', convert_from(decode('${claims}', 'hex'), 'utf8'), true)`,
          ),
          client`select id, organization_id, integration_type, status, field_mappings, sync_schedule, excluded_features,
            created_at, updated_at, xmin::text from organization_integrations where organization_id = ${id} order by created_at, id`,
          client.unsafe('commit'),
        ])
        return rows
      } finally {
        const next = waiting.shift()
        if (next) next(client)
        else idle.push(client)
      }
    },
    end: async () => {
      await Promise.all(clients.map((client) => client.end()))
    },
  }
}

function drizzleUnscoped(url: string, max: number): Contender {
  const client = postgres(url, { max })
  const db = drizzle(client)
  return {
    name: 'Drizzle, unscoped',
    scoped: false,
    list: (id) => db.select().from(table).where(eq(table.organizationId, id)).orderBy(table.createdAt, table.id),
    end: () => client.end(),
  }
}

/**
 * As Drizzle's documentation shows for Supabase. It splices the claims into SQL without parameters, which saves it a
 * round trip; here they are spliced as hex, for the same six.
 */
function drizzleDocumented(url: string, max: number): Contender {
  const client = postgres(url, { max })
  const db = drizzle(client)
  return {
    name: "Drizzle's documented RLS transaction",
    scoped: true,
    list: (id) =>
      db.transaction(async (tx) => {
        const claims = hexLiteral(claimsOf(id))
        await tx.execute(
          sql.raw(
            `select set_config('request.jwt.claims', ${claims}, true); select set_config('role', 'authenticated', true)`,
          ),
        )
        const rows = await tx
          .select()
          .from(table)
          .where(eq(table.organizationId, id))
          .orderBy(table.createdAt, table.id)
        await tx.execute(
          sql.raw(`select set_config('request.jwt.claims', null, true); select set_config('role', 'none', true)`),
        )
        return rows
      }),
    end: () => client.end(),
  }
}

function kyselyScoped(url: string, max: number): Contender {
  type Database = { organization_integrations: Record<string, unknown> & { organization_id: string } }
  const db = new Kysely<Database>({
    dialect: new PostgresDialect({ pool: poolOf(url, max) }),
  })
  return {
    name: 'Kysely over node-postgres, scoped',
    scoped: true,
    list: (id) =>
      db.transaction().execute(async (tx) => {
        await kyselySql`select set_config('request.jwt.claims', ${claimsOf(id)}, true), set_config('role', 'authenticated', true)`.execute(
          tx,
        )
        return tx
          .selectFrom('organization_integrations')
          .selectAll()
          .where('organization_id', '=', id)
          .orderBy('created_at')
          .orderBy('id')
          .execute()
      }),
    end: () => db.destroy(),
  }
}
