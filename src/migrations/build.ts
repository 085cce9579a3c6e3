import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { IntegrationsDbError } from '../errors.ts'
import { type DrizzleMigration, emptySnapshot, readDrizzleFolder } from './drizzle-folder.ts'
import type { Extra } from './extras.ts'
import { type DiffSnapshots, planMigration } from './plan.ts'
import { generatorVersion, readHeader, renderMigration, sourceHash } from './render.ts'

export type BuildOptions = {
  /** drizzle-kit's output folder. */
  drizzle: string
  /** The Supabase project folder. */
  supabase: string
  /** Write nothing; refuse when a file is missing or differs. */
  check?: boolean
}

/** What a build found: files it wrote (or, with `check`, would write). */
export type BuildReport = { migrations: number; written: string[] }

/**
 * Turns drizzle-kit's output into Supabase migrations and rollbacks.
 *
 * read → plan → guard → render → write. A written file is frozen: a build adds files and never changes one.
 * Everything is computed and every refusal raised before the first byte is written.
 *
 * @example
 * await build({ drizzle: 'drizzle', supabase: 'supabase' })
 */
export async function build(options: BuildOptions): Promise<BuildReport> {
  const migrations = await readDrizzleFolder(options.drizzle)
  const diff = await loadDiff()
  const pending: { file: string; text: string }[] = []
  const expected = new Set<string>()
  let before = { snapshot: emptySnapshot, extras: [] as Extra[] }

  for (const migration of migrations) {
    const extras = (await readExtras(options.supabase, migration)) ?? before.extras
    const after = { snapshot: migration.snapshot, extras }
    const names = filesOf(options.supabase, migration)
    const written = await Promise.all([readIfThere(names.migration), readIfThere(names.rollback)])
    const frozen = written.every((text) => text !== undefined && readHeader(text)?.generator !== generatorVersion)
    for (const [text, file] of [
      [written[0], names.migration],
      [written[1], names.rollback],
    ] as const) {
      if (text !== undefined) assertUnedited(file, text, migration, extras)
    }
    if (!frozen) {
      const plan = await planMigration(migration, before, after, diff)
      const texts = renderMigration(plan, migration, extras)
      for (const [kind, i] of [
        ['migration', 0],
        ['rollback', 1],
      ] as const) {
        if (written[i] === undefined) pending.push({ file: names[kind], text: texts[kind] })
        else if (written[i] !== texts[kind]) throw differs(names[kind])
      }
    }
    expected.add(names.migration).add(names.rollback)
    before = after
  }
  await assertNoStrangers(options.supabase, expected)

  if (options.check && pending.length > 0) {
    throw new IntegrationsDbError(
      'conflict',
      `${pending.map(({ file }) => file).join(', ')}: missing, though ${options.drizzle} asks for it; run integrations-db build and commit what it writes`,
    )
  }
  for (const { file, text } of pending) {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
  }
  return { migrations: migrations.length, written: pending.map(({ file }) => file) }
}

/** Where one migration's snapshot of extras lies. */
export function extrasFile(supabase: string, migration: { version: string; name: string }): string {
  return join(supabase, 'extras', `${migration.version}_${migration.name}.json`)
}

/** The extras declared as of a migration, or undefined where they did not change with it. */
export async function readExtras(supabase: string, migration: DrizzleMigration): Promise<Extra[] | undefined> {
  const text = await readIfThere(extrasFile(supabase, migration))
  return text === undefined ? undefined : (JSON.parse(text) as Extra[])
}

function filesOf(supabase: string, { version, name }: DrizzleMigration) {
  return {
    migration: join(supabase, 'migrations', `${version}_${name}.sql`),
    rollback: join(supabase, 'rollbacks', `${version}_${name}.sql`),
  }
}

function assertUnedited(file: string, text: string, migration: DrizzleMigration, extras: Extra[]): void {
  const header = readHeader(text)
  if (header === undefined) {
    throw new IntegrationsDbError(
      'conflict',
      `${file}: has no header of integrations-db; move it away or give the drizzle migration another name`,
    )
  }
  if (!header.intact) {
    throw new IntegrationsDbError(
      'conflict',
      `${file}: was edited by hand (its body no longer has the hash ${header.body.slice(0, 12)}… its header states); restore it and generate a new migration instead`,
    )
  }
  const source = sourceHash(migration, extras)
  if (header.source !== source) {
    throw new IntegrationsDbError(
      'conflict',
      `${file}: was built from a source with hash ${header.source.slice(0, 12)}…, but ${migration.file}, its snapshot or its extras now have ${source.slice(0, 12)}…; restore them and generate a new migration instead`,
    )
  }
}

/** A file that follows from nothing would be applied all the same, or never rolled back. */
async function assertNoStrangers(supabase: string, expected: Set<string>): Promise<void> {
  for (const folder of ['migrations', 'rollbacks']) {
    for (const entry of await readdir(join(supabase, folder)).catch(() => [])) {
      const file = join(supabase, folder, entry)
      const header =
        entry.endsWith('.sql') && !expected.has(file) ? readHeader(await readFile(file, 'utf8')) : undefined
      if (header !== undefined) {
        throw new IntegrationsDbError(
          'conflict',
          `${file}: follows from no migration in the drizzle folder; restore its source or delete the file`,
        )
      }
    }
  }
}

function differs(file: string): IntegrationsDbError {
  return new IntegrationsDbError(
    'conflict',
    `${file}: differs from what generator ${generatorVersion} writes for the same source; if the generator changed on purpose, raise generatorVersion`,
  )
}

async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
}

async function loadDiff(): Promise<DiffSnapshots> {
  try {
    const { generateMigration } = await import('drizzle-kit/api')
    return generateMigration as unknown as DiffSnapshots
  } catch {
    throw new IntegrationsDbError(
      'unavailable',
      'drizzle-kit cannot be loaded; install it beside this package: npm install --save-dev drizzle-kit@0.31',
    )
  }
}
