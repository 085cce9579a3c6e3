/*
 * `npm run db:generate -- --name <what>`: drizzle-kit generate, a snapshot of the extras, integrations-db build, the
 * normalised end state, the diagram in docs/schema.md, the Dart file that tests compare. `npm run db:check` (`--check`)
 * refuses where any of it does not follow from src/schema.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { IntegrationsDbError } from '../src/errors.ts'
import { build, extrasFile, readExtras } from '../src/migrations/build.ts'
import { type DrizzleMigration, readDrizzleFolder } from '../src/migrations/drizzle-folder.ts'
import { emptySnapshot, type Snapshot } from '../src/migrations/snapshot.ts'
import { dartSource } from '../src/registry/dart.ts'
import { extras } from '../src/schema/extras.ts'
import * as schema from '../src/schema/index.ts'
import { diagramPage, withDiagram } from './er-diagram.ts'
import { endState } from './schema-sql.ts'

// Relative to the package root, where npm runs scripts.
const drizzle = 'drizzle'
const supabase = 'supabase'
/** What the command line writes for the Flutter app, as reviewers and tests see it. */
const dart = join('tests', 'support', 'registry.dart')
/** The end state of all migrations, for reviewers and for doctor. */
const endStateFiles = { schema: join(supabase, 'schema.sql'), catalog: join(supabase, 'catalog.json') }

const { values } = parseArgs({ options: { name: { type: 'string' }, check: { type: 'boolean' } } })

try {
  await (values.check ? check() : generate(values.name))
} catch (error) {
  console.error(error instanceof IntegrationsDbError ? `error: ${error.message}` : error)
  process.exitCode = 1
}

async function generate(name: string | undefined): Promise<void> {
  const pending = await changes()
  if (pending.schema || pending.extras) {
    if (!name || !/^[a-z][a-z0-9_]*$/.test(name)) {
      throw new IntegrationsDbError(
        'invalid_input',
        `--name must say what changes in snake_case, got ${name ?? 'nothing'}: npm run db:generate -- --name add_last_synced_at`,
      )
    }
    const before = (await readDrizzleFolder(drizzle)).length
    // Only extras changed: an empty custom migration carries their version in drizzle-kit's own journal.
    execFileSync('drizzle-kit', ['generate', '--name', name, ...(pending.schema ? [] : ['--custom'])], {
      stdio: 'inherit',
      shell: process.platform === 'win32',
    })
    const migrations = await readDrizzleFolder(drizzle)
    const newest = migrations.at(-1)
    if (migrations.length === before || newest === undefined) {
      throw new IntegrationsDbError(
        'conflict',
        'src/schema changed but drizzle-kit wrote no file: it wants to know whether something was renamed; run npx drizzle-kit generate in a terminal and answer, then run this again',
      )
    }
    if (pending.extras) writeExtras(newest)
  }
  const { written } = await build({ drizzle, supabase })
  const { schema, catalog } = await endState(join(supabase, 'migrations'))
  writeFileSync(endStateFiles.schema, schema)
  writeFileSync(endStateFiles.catalog, catalog)
  writeFileSync(diagramPage, withDiagram(readFileSync(diagramPage, 'utf8')))
  writeFileSync(dart, dartSource())
  console.log(
    written.length === 0
      ? 'nothing to do: drizzle/ and supabase/ follow from src/schema'
      : `wrote\n  ${written.join('\n  ')}`,
  )
}

async function check(): Promise<void> {
  const pending = await changes()
  const page = readFileSync(diagramPage, 'utf8')
  const stale = [
    ...(pending.schema ? ['drizzle/ does not follow from src/schema'] : []),
    ...(pending.extras ? ['supabase/extras does not follow from src/schema/extras.ts'] : []),
    ...(page === withDiagram(page) ? [] : [`${diagramPage}: the diagram is not of src/schema`]),
    ...(readFileSync(dart, 'utf8') === dartSource() ? [] : [`${dart} does not follow from src/schema`]),
  ]
  if (stale.length > 0) {
    throw new IntegrationsDbError('conflict', `${stale.join('; ')}; run npm run db:generate -- --name <what>`)
  }
  await build({ drizzle, supabase, check: true })
  const state = await endState(join(supabase, 'migrations'))
  for (const kind of ['schema', 'catalog'] as const) {
    const file = endStateFiles[kind]
    if (state[kind] === readFileSync(file, 'utf8')) continue
    throw new IntegrationsDbError('conflict', `${file} is not what the migrations produce; run npm run db:generate`)
  }
  console.log(`drizzle/, supabase/, the diagram in docs/schema.md and ${dart} follow from src/schema`)
}

/** Which halves of the definition differ from the newest migration. */
async function changes(): Promise<{ schema: boolean; extras: boolean }> {
  const migrations = await readDrizzleFolder(drizzle)
  return {
    schema: await schemaDiffers(migrations.at(-1)?.snapshot ?? emptySnapshot),
    extras: await extrasDiffer(migrations),
  }
}

async function schemaDiffers(newest: Snapshot): Promise<boolean> {
  const { generateDrizzleJson, generateMigration } = await import('drizzle-kit/api')
  type Json = Parameters<typeof generateMigration>[0]
  try {
    const statements = await generateMigration(newest as unknown as Json, generateDrizzleJson(schema, newest.id))
    return statements.length > 0
  } catch {
    return true // It stops at the rename question, which it only asks where something changed.
  }
}

async function extrasDiffer(migrations: DrizzleMigration[]): Promise<boolean> {
  let newest: unknown = []
  for (const migration of migrations) newest = (await readExtras(supabase, migration)) ?? newest
  return JSON.stringify(newest) !== JSON.stringify(extras)
}

function writeExtras(migration: DrizzleMigration): void {
  const file = extrasFile(supabase, migration)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(extras, null, 2)}\n`)
}
