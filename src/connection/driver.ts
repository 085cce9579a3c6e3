// Loaded by the first call: whoever imports the package for its types, its registry or a client that is never used does
// not pay for the driver, its sockets and its TLS.
type Driver = Pick<typeof import('pg'), 'Client' | 'Connection'>

let loaded: Promise<Driver> | undefined

export function driver(): Promise<Driver> {
  loaded ??= import('pg').then((module) => module.default)
  return loaded
}
