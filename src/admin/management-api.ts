import { setTimeout as pause } from 'node:timers/promises'
import type { SupabaseManagementAPI } from 'supabase-management-js'
import { IntegrationsDbError } from '../errors.ts'
import { importAtRunTime } from '../util/at-run-time.ts'
import { type Queries, queriesOf, withAdmin } from './connection.ts'

/*
 * A hosted project without a direct connection, through the Supabase Management API: text in, rows out. Whatever is sent
 * can be sent again, so an answer that does not come is asked for again.
 */

/** A hosted project. */
export type Project = {
  /** The 20 letters of the project's URL. */
  projectRef: string
  /**
   * A personal access token, or an OAuth one.
   *
   * @default process.env.SUPABASE_ACCESS_TOKEN
   */
  accessToken?: string | undefined
  /**
   * The URL of the API.
   *
   * @default Supabase's own
   */
  apiUrl?: string | undefined
  /**
   * The pause before the first repetition; each further one is twice as long.
   *
   * @default 1
   */
  firstPauseSeconds?: number | undefined
}

/** What Supabase's security advisors say, in the words of the API. */
export type SecurityAdvice = { name: string; level: string; detail: string; remediation: string }

/** {@link Queries} of a project, and its security advisors. */
type ProjectQueries = Queries & { securityAdvice(): Promise<SecurityAdvice[]> }

/** A database that is reached directly, by an administrator's URL, or through the API. */
export type Access =
  | {
      /** An administrator's URL, of the role that migrates. */
      url: string
    }
  | Project

const tries = 6

/** One connection, or none at all, for texts that read and may not wait for long: a caller may lock our tables. */
export async function withQueries<T>(access: Access, work: (database: Queries) => Promise<T>): Promise<T> {
  if ('url' in access) return withAdmin(access.url, (sql) => work(impatient(queriesOf(sql))))
  return work(impatient(await projectQueries(access)))
}

/** What only looks ends, however many rows there are. */
export const lookSeconds = 60

function impatient({ query }: Queries): Queries {
  const limits = `set local lock_timeout = '5s'; set local statement_timeout = '${lookSeconds}s';`
  return { query: (text) => query(`${limits}\n${text}`) }
}

/** Opens nothing: each query is a request of its own. */
export async function projectQueries(project: Project): Promise<ProjectQueries> {
  const { projectRef, accessToken = process.env.SUPABASE_ACCESS_TOKEN, firstPauseSeconds = 1 } = project
  if (!/^[a-z]{20}$/.test(projectRef)) {
    throw new IntegrationsDbError('invalid_input', "projectRef: must be the 20 lower-case letters of the project's URL")
  }
  if (!accessToken) {
    throw new IntegrationsDbError(
      'invalid_input',
      "SUPABASE_ACCESS_TOKEN: is missing; make one in the account's settings, under access tokens",
    )
  }
  const { SupabaseManagementAPI } = await loadClient()
  const api = new SupabaseManagementAPI({
    accessToken,
    ...(project.apiUrl === undefined ? {} : { baseUrl: project.apiUrl }),
  })
  const ask = <T>(request: (api: SupabaseManagementAPI) => Promise<{ data: unknown }>) =>
    repeated(async () => (await request(api)).data as T, firstPauseSeconds)
  return {
    query: (text) => ask((client) => client.runAQuery(projectRef, { query: text })),
    async securityAdvice() {
      const { lints } = await ask<{ lints: SecurityAdvice[] }>((client) => client.getSecurityAdvisors(projectRef))
      return lints.map(({ name, level, detail, remediation }) => ({ name, level, detail, remediation }))
    },
  }
}

async function loadClient(): Promise<typeof import('supabase-management-js')> {
  try {
    return (await importAtRunTime('supabase-management-js')) as typeof import('supabase-management-js')
  } catch {
    throw new IntegrationsDbError(
      'unavailable',
      'supabase-management-js cannot be loaded; install it beside this package: npm install supabase-management-js@2',
    )
  }
}

async function repeated<T>(request: () => Promise<T>, firstPauseSeconds: number): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await request()
    } catch (error) {
      const { status, headers } = error as { status?: number; headers?: Headers }
      // Without a status there was no answer: the network failed.
      const mayPass = status === undefined || status === 429 || status >= 500
      if (!mayPass || attempt === tries) throw explained(error, attempt)
      const asked = Number(headers?.get('retry-after') ?? 0)
      await pause(Math.max(asked, firstPauseSeconds * 2 ** (attempt - 1)) * 1000)
    }
  }
}

/** The API's answer in our words, or the server's own error as a driver would throw it. The token is in no message. */
function explained(error: unknown, attempts: number): Error {
  const { status, data } = error as { status?: number; data?: { message?: unknown } }
  const said = typeof data?.message === 'string' ? data.message : ''
  const [, sqlState, message] = /ERROR:\s+([0-9A-Z]{5}): ([^\n]*)/.exec(said) ?? []
  if (sqlState !== undefined) return Object.assign(new Error(message), { code: sqlState })
  if (status === 401 || status === 403) {
    return new IntegrationsDbError(
      'permission_denied',
      `SUPABASE_ACCESS_TOKEN: the Management API refuses it (HTTP ${status}); it needs access to this project`,
    )
  }
  if (status === 404) {
    return new IntegrationsDbError('not_found', 'projectRef: the Management API knows no such project (HTTP 404)')
  }
  if (status !== undefined && status < 500 && status !== 429) {
    return new IntegrationsDbError('invalid_input', `the Management API refuses the query (HTTP ${status}): ${said}`)
  }
  const outcome = status === undefined ? 'cannot be reached' : `answers HTTP ${status}`
  return new IntegrationsDbError('unavailable', `the Management API ${outcome}, ${attempts} times; try again later`)
}
