import type { Queries } from '../admin/connection.ts'
import { type Access, withQueries } from '../admin/management-api.ts'
import { fileName } from './files.ts'
import { compareWith, type Problem } from './history.ts'
import { migrationFiles } from './sources.ts'

/** What is applied and what is not: file names, oldest first. */
export type StatusReport = {
  /** What is applied. */
  applied: string[]
  /** What still is to be. */
  pending: string[]
  /** How many versions of the history are your application's own. */
  host: number
  /** Why the history and the files do not belong together. */
  problems: Problem[]
}

/** As `index.ts` publishes it; what it takes, throws and sends is said there. */
export async function status({
  supabase,
  ...access
}: Access & {
  /**
   * The Supabase project folder.
   *
   * @default this package's own
   */
  supabase?: string | undefined
}): Promise<StatusReport> {
  return withQueries(access, (database) => readStatus(database, supabase))
}

/** {@link status} of what is open already. */
export async function readStatus(database: Queries, supabase?: string): Promise<StatusReport> {
  const { applied, pending, hosts, problems } = await compareWith(database, await migrationFiles(supabase))
  return { applied: applied.map(({ file }) => fileName(file)), pending: pending.map(fileName), host: hosts, problems }
}
