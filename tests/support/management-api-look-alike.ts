import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import postgres from 'postgres'

/** How one request goes: as it should, or as it sometimes does. */
type Fault =
  | { status: number; retryAfterSeconds?: number }
  /** The query is done, and its answer is lost. */
  | 'answer lost'

/** What was asked for. */
type Request = { method: string; path: string; authorization: string; atMilliseconds: number }

/**
 * Not the Supabase Management API: a local server that answers with the shapes of its published OpenAPI description, and
 * runs queries on a real PostgreSQL as the API's backend does, in one simple-protocol message.
 */
export type ManagementApiLookAlike = {
  apiUrl: string
  requests: Request[]
  /** What the next requests meet, one each. */
  faults: (Fault | undefined)[]
  stop(): Promise<void>
}

export const lookAlikeToken = 'sbp_look_alike_canary'
export const lookAlikeRef = 'lookalikelookalikelo'

const lints = [
  {
    name: 'rls_disabled_in_public',
    title: 'RLS Disabled in Public',
    level: 'ERROR',
    facing: 'EXTERNAL',
    categories: ['SECURITY'],
    description:
      'Detects cases where row level security (RLS) has not been enabled on tables in schemas exposed to PostgREST',
    detail: 'Table `public.unprotected` is public, but RLS has not been enabled.',
    remediation: 'https://supabase.com/docs/guides/database/database-linter?lint=0013_rls_disabled_in_public',
    metadata: { name: 'unprotected', type: 'table', schema: 'public' },
    cache_key: 'rls_disabled_in_public_public_unprotected',
  },
]

export async function startLookAlike(databaseUrl: string): Promise<ManagementApiLookAlike> {
  const requests: Request[] = []
  const faults: ManagementApiLookAlike['faults'] = []
  const server = createServer(async (incoming, response) => {
    const { method = '', url: path = '', headers } = incoming
    requests.push({ method, path, authorization: String(headers.authorization), atMilliseconds: performance.now() })
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const fault = faults.shift()
    if (typeof fault === 'object') {
      const { status, retryAfterSeconds } = fault
      if (retryAfterSeconds !== undefined) response.setHeader('Retry-After', String(retryAfterSeconds))
      return answer(response, status, { message: 'Too Many Requests' })
    }
    if (headers.authorization !== `Bearer ${lookAlikeToken}`) return answer(response, 401, { message: 'Unauthorized' })
    if (!path.startsWith(`/v1/projects/${lookAlikeRef}/`)) return answer(response, 404, { message: 'Not Found' })
    if (method === 'GET' && path.endsWith('/advisors/security')) return answer(response, 200, { lints })
    const { query } = JSON.parse(Buffer.concat(chunks).toString()) as { query: string }
    const [status, body] = await run(databaseUrl, query)
    if (fault === 'answer lost') return response.destroy()
    answer(response, status, body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    faults,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
}

/** A connection per request, and the rows of the last statement that has any. */
async function run(url: string, query: string): Promise<[number, unknown]> {
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => {} })
  try {
    const result = (await sql.unsafe(query)) as unknown as postgres.RowList<postgres.Row[]>[]
    const results = 'command' in result ? [result as unknown as postgres.RowList<postgres.Row[]>] : result
    return [201, results.findLast((rows) => rows.length > 0) ?? []]
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    return [400, { message: `Failed to run sql query: ERROR:  ${code}: ${message}\n` }]
  } finally {
    await sql.end()
  }
}
