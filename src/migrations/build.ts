import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { IntegrationsDbError } from '../errors.ts'
import type { Extra } from '../extras/extra.ts'
import { writeWhole } from '../util/whole-files.ts'
import { type DrizzleMigration, readDrizzleFolder, unreadFiles } from './drizzle-folder.ts'
import { planMigration } from './plan.ts'
import { generatorVersion, type Header, projectId, projectOf, readHeader, renderFile, sourceHashes } from './render.ts'
import type { Side } from './side.ts'
import { State } from './state.ts'
import { stateAfter } from './up.ts'
import { laterThan } from './versions.ts'

export type BuildOptions = {
  /** drizzle-kit's output folder. */
  drizzle: string
  /** The Supabase project folder. */
  supabase: string
  /** Write nothing; refuse when a file is missing or differs. */
  check?: boolean
  /**
   * Called after each migration with how many of all are done.
   *
   * @default none
   */
  onProgress?: (done: number, all: number) => void
}

/** What a build found: files it wrote (or, with `check`, would write), and what an author should know. */
export type BuildReport = { migrations: number; written: string[]; notes: string[] }

/** A file of ours that is there already. */
type WrittenFile = {
  path: string
  name: string
  text: string
  hasCarriageReturns: boolean
  header: Header & { intact: boolean }
}

const folders = { migration: 'migrations', rollback: 'rollbacks' } as const
type Kind = keyof typeof folders
const kinds = ['migration', 'rollback'] as const

/**
 * Turns drizzle-kit's output into Supabase migrations and rollbacks.
 *
 * read → plan → guard → extras → write. A written file is frozen: a build adds files and never changes one.
 * Everything is computed and every refusal raised before the first byte is written.
 *
 * @example
 * await build({ drizzle: 'drizzle', supabase: 'supabase' })
 */
export async function build({ drizzle, supabase, check = false, onProgress }: BuildOptions): Promise<BuildReport> {
  const migrations = await readDrizzleFolder(drizzle)
  const declared = await Promise.all(migrations.map((migration) => readExtras(supabase, migration)))
  const written = {
    migration: await readFolder(supabase, 'migration'),
    rollback: await readFolder(supabase, 'rollback'),
  }
  const files = [...written.migration, ...written.rollback]
  for (const file of files) assertUnedited(file)
  const project = projectId(migrations[0], declared[0] ?? [])
  const pending: { path: string; text: string }[] = []
  const accounted = new Set<string>()
  let before: Side = { state: new State(), extras: [] }
  let version: string | undefined

  for (const [i, migration] of migrations.entries()) {
    const extras = declared[i] ?? before.extras
    const sources = sourceHashes(migration, extras)
    const own = {
      migration: filesOf(written.migration, sources.migration, project),
      rollback: filesOf(written.rollback, sources.rollback, project),
    }
    const frozen = own.migration.find(({ header }) => header.generator !== generatorVersion)
    const parts = own.migration[0]?.header.parts
    const isThere = parts !== undefined && own.migration.length === parts && own.rollback.length === parts
    if (frozen !== undefined || (isThere && !check)) {
      for (const kind of kinds) assertComplete(own[kind], parts ?? 0, join(supabase, folders[kind]), migration)
      for (const { path } of [...own.migration, ...own.rollback]) accounted.add(path)
      version = own.migration
        .map(({ name }) => name.slice(0, 14))
        .sort()
        .at(-1)
      before = { state: await stateAfter(migration, before.state), extras }
    } else {
      const { plans, after } = await planMigration(migration, before, extras, version)
      for (const [part, plan] of plans.entries()) {
        const texts = renderFile(plan, part + 1, plans.length, { ...sources, project })
        for (const kind of kinds) {
          const path = join(supabase, folders[kind], `${plan.version}_${plan.name}.sql`)
          accounted.add(path)
          const there = written[kind].find((file) => file.path === path)
          if (there === undefined) pending.push({ path, text: texts[kind] })
          else if (there.header.source !== sources[kind]) throw changed(there, migration, sources[kind])
          else if (there.text !== texts[kind]) throw differs(path)
        }
        version = laterThan(version, plan.version)
      }
      before = after
    }
    onProgress?.(i + 1, migrations.length)
  }
  for (const { path, text } of files) {
    // Another project's, put here by `export`, follow from its sources.
    if (!accounted.has(path) && (projectOf(text) ?? project) === project) throw secret(path)
  }
  await assertFree(pending)

  if (check && pending.length > 0) {
    throw new IntegrationsDbError(
      'conflict',
      `${pending.map(({ path }) => path).join(', ')}: missing, though ${drizzle} asks for it; run integrations-db build and commit what it writes`,
    )
  }
  await writeWhole(pending.map(({ path, text }) => ({ path, content: text })))
  return {
    migrations: migrations.length,
    written: pending.map(({ path }) => path),
    notes: [...(await unreadFiles(drizzle, migrations)), ...lineEnds(files)],
  }
}

/** Line ends are not compared; still, a file that differs from its source wherever it is read is better kept as it is. */
function lineEnds(files: WrittenFile[]): string[] {
  const [first] = files.filter(({ hasCarriageReturns }) => hasCarriageReturns)
  return first === undefined
    ? []
    : [
        `${first.path}: was checked out with CRLF; add the line "*.sql text eol=lf" to .gitattributes, so that it is the same everywhere`,
      ]
}

/** Where one migration's snapshot of extras lies. */
export function extrasFile(supabase: string, { tag }: { tag: string }): string {
  return join(supabase, 'extras', `${tag}.json`)
}

/** The extras declared as of a migration, or undefined where they did not change with it. */
export async function readExtras(supabase: string, migration: DrizzleMigration): Promise<Extra[] | undefined> {
  const text = await readIfThere(extrasFile(supabase, migration))
  return text === undefined ? undefined : (JSON.parse(text) as Extra[])
}

/** The files of ours in a folder: those that have our header. Others belong to the host. */
async function readFolder(supabase: string, kind: Kind): Promise<WrittenFile[]> {
  const folder = join(supabase, folders[kind])
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.sql'))
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name)
      const held = (await readFile(path, 'utf8')).replace(/^\uFEFF/, '')
      const text = held.replaceAll('\r\n', '\n')
      const header = readHeader(text)
      return header === undefined ? [] : [{ path, name, text, hasCarriageReturns: text !== held, header }]
    }),
  )
  return files.flat()
}

/** The files of this project with a source, one for each part. */
function filesOf(files: WrittenFile[], source: string, project: string): WrittenFile[] {
  const own = files.filter(({ header, text }) => header.source === source && (projectOf(text) ?? project) === project)
  const first = new Map([...own].reverse().map((file) => [file.header.part, file]))
  return [...first.values()]
}

function assertUnedited({ path, header }: WrittenFile): void {
  if (header.intact) return
  throw new IntegrationsDbError(
    'conflict',
    `${path}: was edited by hand (its body no longer has the hash ${header.body.slice(0, 12)}… its header states); restore it and generate a new migration instead`,
  )
}

/** What an older generator wrote is taken as it is, and cannot be written again. */
function assertComplete(files: WrittenFile[], parts: number, folder: string, migration: DrizzleMigration): void {
  if (files.length === parts) return
  throw new IntegrationsDbError(
    'conflict',
    `${folder}: holds ${files.length} of the ${parts} files that an earlier generator wrote for ${migration.file}; restore them from version control`,
  )
}

/** Nothing of ours may take the place of a file of the host. */
async function assertFree(pending: { path: string }[]): Promise<void> {
  const there = await Promise.all(pending.map(({ path }) => readIfThere(path)))
  for (const [i, { path }] of pending.entries()) {
    if (there[i] !== undefined) {
      throw new IntegrationsDbError(
        'conflict',
        `${path}: has no header of integrations-db; move it away or give the drizzle migration another name`,
      )
    }
  }
}

function changed({ path, header }: WrittenFile, migration: DrizzleMigration, source: string): IntegrationsDbError {
  return new IntegrationsDbError(
    'conflict',
    `${path}: was built from a source with hash ${header.source.slice(0, 12)}…, but ${migration.file}, what lies beside it, its snapshot or its extras now have ${source.slice(0, 12)}…; restore them and generate a new migration instead`,
  )
}

/** A file that follows from nothing would be applied all the same, or never rolled back. */
function secret(path: string): IntegrationsDbError {
  return new IntegrationsDbError(
    'conflict',
    `${path}: follows from no migration in the drizzle folder; restore its source or delete the file`,
  )
}

function differs(path: string): IntegrationsDbError {
  return new IntegrationsDbError(
    'conflict',
    `${path}: differs from what generator ${generatorVersion} writes for the same source; if the generator changed on purpose, raise generatorVersion`,
  )
}

async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
}
