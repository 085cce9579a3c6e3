import { IntegrationsDbError } from '../errors.ts'
import { assertSafeLogin } from './login-check.ts'
import { Pool, type PoolOptions } from './pool.ts'

export type CheckedPool = { ready(): Promise<Pool>; end(): Promise<void> }

/** A pool whose login is checked once somebody needs it. */
export function checkedPool(
  field: 'url' | 'serviceUrl',
  url: string | undefined,
  becomes: 'authenticated' | 'service_role',
  options: PoolOptions & { allowCombinedLogin: boolean },
): CheckedPool {
  // A mistyped one comes to light where the client is made; one that is missing may never be needed.
  const pool = url === undefined ? undefined : new Pool(url, options, field)
  let checked: Promise<Pool> | undefined
  const check = async (): Promise<Pool> => {
    const checking = pool ?? missing(field)
    await assertSafeLogin(checking, becomes, options.allowCombinedLogin)
    return checking
  }
  return {
    ready() {
      checked ??= check().catch((error) => {
        checked = undefined // The server may be back next time, or the login fixed.
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
