import { IntegrationsDbError } from '../errors.ts'

// Loaded by the first call: whoever imports the package for its types, its registry or a client that is never used does
// not pay for the driver, its sockets and its TLS.
type Driver = Pick<typeof import('pg'), 'Client' | 'Connection'>

let loaded: Promise<Driver> | undefined

export function driver(): Promise<Driver> {
  loaded ??= load().catch((error: Error) => {
    throw new IntegrationsDbError('unavailable', `pg, the driver, cannot be loaded: ${error.message}; ${hint(error)}`)
  })
  return loaded
}

/** Its two modules that are used, not all of it: bundlers would warn that pg-native is missing, which pg looks for. */
async function load(): Promise<Driver> {
  const [client, connection] = await Promise.all([import('pg/lib/client.js'), import('pg/lib/connection.js')])
  return { Client: client.default, Connection: connection.default }
}

/** A bundler that joins CommonJS into an ES module leaves out what Node gives CommonJS. */
function hint({ message }: Error): string {
  return /dynamic require|require is not defined/i.test(message)
    ? `set the bundler's banner to: import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)`
    : 'install the packages again, or mark pg external where you bundle'
}
