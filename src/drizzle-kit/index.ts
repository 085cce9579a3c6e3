import { join } from 'node:path'
import type { Config } from 'drizzle-kit'
import { IntegrationsDbError } from '../errors.ts'
import { packageFolder } from '../util/package-folder.ts'

/**
 * Your drizzle-kit configuration, so that drizzle-kit leaves our tables and types alone: `push` drops and alters none of
 * them, `generate` and `pull` write nothing of them, `studio` shows them.
 *
 * Our tables are added to `tablesFilter`, our private schema is taken out of `schemaFilter`, and `schema` gets our types
 * where drizzle-kit compares with a database. Your schema may import our tables and must not export them.
 *
 * @example
 * // drizzle.config.ts
 * export default besideIntegrations({
 *   dialect: 'postgresql',
 *   schema: './src/schema.ts',
 *   dbCredentials: { url: process.env.DATABASE_URL! },
 * })
 *
 * @throws IntegrationsDbError `invalid_input` for another dialect, and where a pattern of `tablesFilter` takes our tables
 * too, or cannot be read.
 */
export function besideIntegrations<C extends Config>(config: C): C {
  if (config.dialect !== 'postgresql') {
    throw new IntegrationsDbError('invalid_input', `dialect: is ${config.dialect}; this package is for postgresql`)
  }
  const { schema, schemaFilter } = config
  return {
    ...config,
    ...(schema === undefined ? {} : { schema: [...listOf(schema), ...ourSchema()] }),
    ...(schemaFilter === undefined
      ? {}
      : { schemaFilter: listOf(schemaFilter).filter((name) => name !== 'integrations') }),
    tablesFilter: withoutOurs(listOf(config.tablesFilter)),
  }
}

const ourTables = ['organization_integrations', 'organization_integration_*']

/** drizzle-kit takes whatever one negation lets pass, so the two kinds of pattern cannot stand side by side. */
function withoutOurs(patterns: string[]): string[] {
  const positive = patterns.filter((pattern) => !pattern.startsWith('!') && pattern !== '*')
  for (const pattern of positive) assertNotOurs(pattern)
  return positive.length > 0
    ? patterns
    : [...patterns.filter((one) => one !== '*'), ...ourTables.map((name) => `!${name}`)]
}

function assertNotOurs(pattern: string): void {
  const isReadable = !/[[\](){}\\]/.test(pattern)
  const regex = new RegExp(
    `^${pattern
      .replaceAll(/[.+^$|]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  )
  if (isReadable && !ourTables.some((name) => regex.test(name.replace('*', 'events')))) return
  throw new IntegrationsDbError(
    'invalid_input',
    `tablesFilter: ${pattern} ${isReadable ? 'takes our tables too' : 'cannot be read here'}; name your tables in words with * and ? that do not fit ${ourTables.join(' and ')}`,
  )
}

/** Whether drizzle-kit compares with a database is what its command says. */
function ourSchema(): string[] {
  const words = process.argv.slice(2)
  // It reads a path as a pattern, in which a backslash quotes.
  const built = (name: string) => [join(packageFolder, 'dist', name).replaceAll('\\', '/')]
  if (words.includes('push')) return built('drizzle-kit/enums.js')
  return words.includes('studio') ? built('schema/index.js') : []
}

function listOf(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : [value].flat()
}
