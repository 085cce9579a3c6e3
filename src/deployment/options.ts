import { IntegrationsDbError } from '../errors.ts'
import { readable } from '../util/readable.ts'

const types = {
  url: 'string',
  projectRef: 'string',
  accessToken: 'string',
  apiUrl: 'string',
  firstPauseSeconds: 'number',
  supabase: 'string',
  to: 'string',
  steps: 'number',
  dryRun: 'boolean',
  dataApi: 'boolean',
  acceptDataLoss: 'boolean',
  onProgress: 'function',
  onWait: 'function',
} as const

/** What a caller handed in, each option read once; refuses one that is of another type than it must be. */
export function readOptions<T extends object>(options: T): T {
  const given = readable('options', () => ({ ...options }))
  for (const [name, type] of Object.entries(types)) {
    const value = (given as Record<string, unknown>)[name]
    if (value === undefined || typeof value === type) continue
    throw new IntegrationsDbError('invalid_input', `${name}: must be a ${type}`)
  }
  return given
}
