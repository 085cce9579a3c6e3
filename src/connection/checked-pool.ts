import { IntegrationsDbError } from '../errors.ts'
import { databaseUrl } from '../util/checks.ts'
import { assertSafeLogin } from './login-check.ts'
import { Pool, type PoolOptions } from './pool.ts'

export type LazyPool = { ready(): Promise<Pool>; end(): Promise<void> }

/** A pool that exists and has its login checked once somebody needs it. */
export function lazyPool(
  field: 'url' | 'serviceUrl',
  url: string | undefined,
  becomes: 'authenticated' | 'service_role',
  settings: PoolOptions & { allowCombinedLogin: boolean },
): LazyPool {
  // A mistyped one comes to light where the client is made; one that is missing may never be needed.
  if (url !== undefined) databaseUrl(field, url)
  let pool: Pool | undefined
  let checked: Promise<Pool> | undefined
  const check = async (): Promise<Pool> => {
    pool ??= new Pool(url ?? missing(field), settings)
    await assertSafeLogin(pool, becomes, settings.allowCombinedLogin)
    return pool
  }
  return {
    ready() {
      checked ??= check().catch((error) => {
        checked = undefined // The server may be back next time, or the login mended.
        throw error
      })
      return checked
    },
    async end() {
      await pool?.end()
    },
  }
}

function missing(field: 'url' | 'serviceUrl'): never {
  const variable = field === 'url' ? 'INTEGRATIONS_DATABASE_URL' : 'INTEGRATIONS_SERVICE_URL'
  throw new IntegrationsDbError('invalid_input', `${field}: is missing; pass it or set ${variable}`)
}
