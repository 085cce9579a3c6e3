import { inspect } from 'node:util'
import type { ConnectionFields } from '../registry/systems.ts'
import type { IntegrationType } from '../schema/enums.ts'

const shown = '[secret]'

/**
 * A retrieved credential bundle: reads like an object, and prints, inspects and stringifies as `[secret]`.
 *
 * @example
 * const { api_key, base_url } = await service.credentials.retrieve({ organizationId, integrationType: 'xledger', reason })
 *
 * Copying it (`{ ...bundle }`) gives an ordinary object, which prints its values: read single fields instead.
 */
export type CredentialBundle<T extends IntegrationType = IntegrationType> = ConnectionFields<T>

/** Not a Proxy: own getters are what destructuring, `in` and `Object.keys` expect, and debuggers do not call them. */
class Bundle {
  constructor(fields: Record<string, unknown>) {
    for (const [name, value] of Object.entries(fields)) {
      Object.defineProperty(this, name, { enumerable: true, get: () => value })
    }
    Object.freeze(this)
  }

  toJSON(): string {
    return shown
  }

  toString(): string {
    return shown
  }

  [inspect.custom](): string {
    return shown
  }
}

/** What the server gave, for its caller's eyes alone. */
export function credentialBundle<T extends IntegrationType>(text: string): CredentialBundle<T> {
  return new Bundle(JSON.parse(text)) as unknown as CredentialBundle<T>
}
