import { IntegrationsDbError } from '../errors.ts'

/** What is read of a caller's object, once: whatever throws then is a getter of its own, or a Proxy. */
export function readable<T>(field: string, read: () => T): T {
  try {
    return read()
  } catch {
    throw new IntegrationsDbError(
      'invalid_input',
      `${field}: cannot be read; it is nested too deeply, refers to itself, or has a getter or Proxy that throws: pass plain values`,
    )
  }
}
