import { join } from 'node:path'
import type { Queries } from '../admin/connection.ts'
import { type Access, withQueries } from '../admin/management-api.ts'
import { fileName, packagedSupabase, readMigrationFiles } from './files.ts'
import { compareHistory, type Problem, readHistory } from './history.ts'

/** File names, oldest first, and how many versions of the history are the host application's. */
export type StatusReport = { applied: string[]; pending: string[]; host: number; problems: Problem[] }

/** As `index.ts` publishes it; what it takes, throws and sends is said there. */
export async function status({ supabase, ...access }: Access & { supabase?: string }): Promise<StatusReport> {
  return withQueries(access, (database) => readStatus(database, supabase))
}

/** {@link status} of what is open already. */
export async function readStatus(database: Queries, supabase = packagedSupabase): Promise<StatusReport> {
  const files = await readMigrationFiles(join(supabase, 'migrations'))
  const { applied, pending, hosts, problems } = await compareHistory(files, await readHistory(database))
  return { applied: applied.map(fileName), pending: pending.map(fileName), host: hosts, problems }
}
