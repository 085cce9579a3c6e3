import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { IntegrationsDbError } from '../errors.ts'
import { laterThan, projectOf, signatureOf } from '../migrations/index.ts'
import { type NewFile, writeWhole } from '../util/whole-files.ts'
import { fileName, type MigrationFile, readMigrationFiles } from './files.ts'
import { creatorOfOrganizations } from './organizations.ts'
import { migrationFiles } from './sources.ts'

/** File names in your project, oldest first. */
export type ExportReport = {
  /** The folder of migrations. */
  folder: string
  /** What was copied; of a dry run or a check, what would be. */
  copied: string[]
  /** Copies that were there already. */
  present: string[]
  /** What is wrong with the folder, each with a hint; only a check reports it, anything else is refused. */
  problems: string[]
}

/** What exporting would write, and why it must not. */
export type ExportPlan = ExportReport & { files: NewFile[]; code: 'conflict' | 'not_found' }

/**
 * Copies the migrations, not the rollbacks, into a host project, whose own `supabase db push` and `db reset` then apply
 * them.
 *
 * @example
 * await exportMigrations({ directory: '../host' }) // into ../host/supabase/migrations
 *
 * Adds only what is missing, and behind everything that is there: a copy that would sort before a file of the host gets
 * the next second for its version. It stays known by what its first lines say. `directory` is the host's project folder,
 * its `supabase` or its `supabase/migrations`.
 *
 * @throws IntegrationsDbError `conflict` where the host has another file of the same version, an edited copy, or one before
 * what it needs; `not_found` where there is no such folder, or nothing in it creates `organizations`. Nothing is copied then.
 */
export async function exportMigrations({
  directory,
  supabase,
  check = false,
  dryRun = false,
}: {
  directory: string
  supabase?: string | undefined
  /** Write nothing, and report what is wrong instead of refusing. */
  check?: boolean | undefined
  /** Write nothing. */
  dryRun?: boolean | undefined
}): Promise<ExportReport> {
  const folder = await migrationsFolder(directory)
  const theirs = await readMigrationFiles(folder).catch(() => [] as MigrationFile[])
  const { files, code, ...report } = planExport(folder, await migrationFiles(supabase), theirs)
  if (check) return report
  if (report.problems.length > 0) throw new IntegrationsDbError(code, report.problems.join('\n'))
  if (!dryRun) await writeWhole(files)
  return report
}

/** Reads and writes nothing. */
export function planExport(folder: string, ours: MigrationFile[], theirs: MigrationFile[]): ExportPlan {
  const pairs = ours.map((file) => ({ file, copies: theirs.filter((one) => isCopy(one, file)) }))
  const present = pairs.flatMap(({ copies }) => copies)
  const { placed, lost } = placesOf(pairs, theirs)
  const named = placed.map(({ file, version }) => ({ file, name: `${version}_${file.name}.sql` }))
  const creator = creatorOfOrganizations(theirs)
  const isCreated = creator !== undefined || !ours.some(refers)
  const problems = [
    ...(isCreated ? [] : [`${folder}: ${noOrganizations}`]),
    ...pairs.flatMap(({ file, copies }) => [...edited(file, copies), ...twice(copies)]),
    ...lost.map(noPlace),
    ...theirs.filter((one) => isOfLater(one, ours)).map(later),
    ...outOfOrder(pairs.flatMap(({ copies }) => copies[0] ?? [])),
    ...present
      .filter((one) => creator !== undefined && refers(one) && fileName(one) < creator)
      .map((one) => tooEarly(one, creator)),
  ]
  return {
    folder,
    copied: named.map(({ name }) => name),
    present: present.map(fileName),
    problems,
    // Byte for byte.
    files: named.map(({ file, name }) => ({ path: join(folder, name), content: file.text })),
    code: isCreated ? 'conflict' : 'not_found',
  }
}

type Pair = { file: MigrationFile; copies: MigrationFile[] }

function isCopy(one: MigrationFile, file: MigrationFile): boolean {
  const signature = signatureOf(one.text)
  return (signature !== undefined && signature === signatureOf(file.text)) || fileName(one) === fileName(file)
}

/**
 * The missing ones, each with the version of its copy: its own where that is later than everything there, else the next
 * second. One of which later copies are there goes back to its place before them, where it is free.
 */
function placesOf(pairs: Pair[], theirs: MigrationFile[]) {
  const placed: { file: MigrationFile; version: string }[] = []
  const lost: MigrationFile[] = []
  let previous: string | undefined
  for (const [i, { file, copies }] of pairs.entries()) {
    const next = pairs.slice(i + 1).flatMap((later) => later.copies)[0]?.version
    if (copies[0] !== undefined) previous = copies[0].version
    else {
      const newest = [previous, next === undefined ? theirs.at(-1)?.version : undefined].filter(
        (one) => one !== undefined,
      )
      const version = laterThan(newest.sort().at(-1), file.version)
      const isFree = next === undefined || (version < next && theirs.every((one) => one.version !== version))
      if (isFree) placed.push({ file, version })
      else lost.push(file)
      previous = version
    }
  }
  return { placed, lost }
}

const refers = ({ text }: MigrationFile) => text.includes('"organizations"')

/** With other line ends, as git makes them on Windows, it is the same copy. */
function edited(file: MigrationFile, copies: MigrationFile[]): string[] {
  return copies.flatMap((copy) => {
    if (copy.text === file.text) return []
    const lengths = `${copy.text.length} characters where ours has ${file.text.length}`
    return [
      `${copy.path}: was edited, ${lengths}; delete it to get ours again, and put your change into a migration of your own`,
    ]
  })
}

function twice(copies: MigrationFile[]): string[] {
  const [first, ...others] = copies
  return others.map((copy) => `${copy.path}: is there as ${first && fileName(first)} too; delete one`)
}

const isOfLater = (one: MigrationFile, ours: MigrationFile[]) =>
  projectOf(one.text) !== undefined &&
  projectOf(one.text) === projectOf(ours[0]?.text ?? '') &&
  !ours.some((file) => isCopy(one, file))

const later = (one: MigrationFile) =>
  `${one.path}: is a copy that this version of the package does not have; install the version that wrote it, or a later one`

function outOfOrder(copies: MigrationFile[]): string[] {
  return copies.flatMap((copy, i) => {
    const before = copies[i - 1]
    if (before === undefined || before.version < copy.version) return []
    return [`${copy.path}: sorts before ${fileName(before)}, which it needs; give the copies back their order`]
  })
}

const noPlace = (file: MigrationFile) =>
  `${fileName(file)}: its copy is missing, and its place is taken; bring it back from version control`

const tooEarly = (copy: MigrationFile, creator: string | undefined) =>
  `${copy.path}: sorts before ${creator}, which creates the organizations it needs, so that a reset fails; where no database has it yet, delete our copies and export again; else give them later versions, and tell each database by supabase migration repair`

const noOrganizations =
  'no migration creates public.organizations, which ours refer to; write one (supabase db pull does, for a table that a database has already), then export again'

async function migrationsFolder(directory: string): Promise<string> {
  if (basename(directory) === 'migrations') return directory
  if (!(await stat(directory).catch(() => undefined))?.isDirectory()) {
    throw new IntegrationsDbError('not_found', `${directory || 'DIR'}: is no folder; name your project's folder`)
  }
  return basename(directory) === 'supabase' ? join(directory, 'migrations') : join(directory, 'supabase', 'migrations')
}
