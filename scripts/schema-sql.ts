import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { moddatetime } from '@electric-sql/pglite/contrib/moddatetime'
import { pgDump } from '@electric-sql/pglite-tools/pg_dump'
import { bootstrapSql } from '../src/admin/bootstrap.ts'
import { readCatalog } from '../src/doctor/catalog.ts'

/*
 * The end state of all migrations as pg_dump prints it, so that a pull request shows the schema as a diff. PGlite is
 * PostgreSQL compiled to WebAssembly: no server to start, and its pg_dump comes out of npm.
 */

/** A PostgreSQL in memory with a host's `organizations`, ready for our migrations. */
export async function startInMemory(): Promise<PGlite> {
  const pg = await PGlite.create({ extensions: { moddatetime } })
  await pg.exec(
    `${bootstrapSql}\ncreate table public.organizations (id uuid primary key default gen_random_uuid(), name text);`,
  )
  return pg
}

/** Applies every file of a folder, in the order of versions. */
export async function applyFolder(pg: PGlite, folder: string): Promise<void> {
  for (const file of (await readdir(folder)).sort()) {
    await pg.transaction(async (tx) => {
      await tx.exec(await readFile(join(folder, file), 'utf8'))
    })
  }
}

/** `pg_dump --schema-only`, without what differs from run to run or belongs to the host. */
export async function normalisedDump(pg: PGlite): Promise<string> {
  const args = [
    '--schema-only',
    '--no-owner',
    '--exclude-schema=extensions',
    '--exclude-schema=auth',
    '--exclude-table=public.organizations',
  ]
  const text = await (await pgDump({ pg, args })).text()
  // pg_dump shares the only session there is, and leaves it in a read-only transaction without a search_path.
  await pg.exec('rollback')
  await pg.exec('discard all')
  return `${text
    // pg_dump 18 guards its output with a random token.
    .replaceAll(/^\\(un)?restrict .*$/gm, '')
    .replaceAll(/^(--.*|SET .*;|SELECT pg_catalog\.set_config.*;)$/gm, '')
    // The extension is shared with the host: compared by nobody, dropped by nobody.
    .replaceAll(/^(CREATE|COMMENT ON) EXTENSION .*;$/gm, '')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim()}\n`
}

/** What a database is that ran every migration of a folder: as pg_dump prints it, and as doctor compares it. */
export async function endState(folder: string): Promise<{ schema: string; catalog: string }> {
  const pg = await startInMemory()
  try {
    await applyFolder(pg, folder)
    const { objects } = await readCatalog({
      query: async <Row extends object>(text: string) => (await pg.query<Row>(text)).rows,
    })
    return {
      schema: `-- What supabase/migrations produce, as pg_dump sees it. Written by npm run db:generate; never applied.\n\n${await normalisedDump(pg)}`,
      catalog: `${JSON.stringify(objects, null, 2)}\n`,
    }
  } finally {
    await pg.close()
  }
}
