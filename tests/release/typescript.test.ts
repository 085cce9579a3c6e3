import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { application, installed, program } from '../support/applications.ts'
import { output } from '../support/packed.ts'

/* The published types under the settings of other projects, and what CommonJS and Jest make of the package. */

let project: string
const commonJs = `
import { createIntegrationsDb, IntegrationsDbError } from '@org/integrations-db'
import { besideIntegrations } from '@org/integrations-db/drizzle-kit'
import { organizationIntegrations } from '@org/integrations-db/schema'
import { startTestDatabase } from '@org/integrations-db/testing'

const db = createIntegrationsDb({ url: 'postgresql://login@127.0.0.1:1/database' })
const column: string = organizationIntegrations.syncSchedule.name
const acme = db.forOrganization({ organizationId: '00000000-0000-4000-8000-000000000000', role: 'admin' })
// @ts-expect-error no such role
const role: Parameters<typeof db.forOrganization>[0]['role'] = 'owner'
acme.integrations.get('xledger').catch((error: unknown) => {
  console.log(column, typeof besideIntegrations, typeof startTestDatabase, error instanceof IntegrationsDbError)
})`

/** Every option of ours, by its type; of each the optional fields that would refuse undefined. */
const options = [
  ...['EventPageOptions', 'IntegrationPatch', 'ListFilter', 'NewIntegration', 'PageOptions', 'RevisionOptions'],
  ...['SchedulePageOptions', 'IntegrationsDbOptions', 'ScopeOptions', 'ServiceOptions', 'CredentialOptions'],
  ...['RotationOptions', "Retrieval<'xledger'>", 'NextRunsOptions', 'ResolveOptions', 'MigrateOptions'],
  ...['RollbackOptions', 'Parameters<typeof i.migrate>[0]', 'Parameters<typeof i.status>[0]'],
].map((name) => (name.startsWith('Parameters') ? name : `i.${name}`))
const testing = ['TestDatabaseOptions', 'TestScopeOptions', 'TokenOptions'].map((name) => `t.${name}`)
const exact = `
import type * as i from '@org/integrations-db'
import type * as t from '@org/integrations-db/testing'

type Exact<T> = T extends unknown ? { [K in keyof T]-?: {} extends Pick<T, K> ? ({ [P in K]: undefined } extends Pick<T, K> ? never : K) : never }[keyof T] : never
const none = <T>(_: [Exact<T>] extends [never] ? true : Exact<T>) => {}
${[...options, ...testing].map((name) => `none<${name}>(true)`).join('\n')}
// @ts-expect-error such a field is found
none<{ limit?: number }>(true)`

beforeAll(async () => {
  project = await application('typescript', {
    'package.json': JSON.stringify({ private: true, type: 'commonjs' }),
    'common.ts': commonJs,
    'exact.ts': exact,
    'common.test.js': `test('loads', async () => {
      const { createIntegrationsDb, IntegrationsDbError } = await import('@org/integrations-db')
      const db = createIntegrationsDb({ url: 'postgresql://login@127.0.0.1:1/database' })
      const acme = db.forOrganization({ organizationId: '00000000-0000-4000-8000-000000000000', role: 'admin' })
      const error = await acme.integrations.get('xledger').catch((error) => error)
      expect(error).toBeInstanceOf(IntegrationsDbError)
      expect(error.code).toBe('unavailable')
    })`,
  })
}, 480_000)

async function compile(file: string, ...flags: string[]): Promise<string> {
  const compiler = join(await installed(), 'node_modules', 'typescript-5', 'bin', 'tsc')
  const strict = ['--strict', '--skipLibCheck', '--target', 'es2023', '--ignoreDeprecations', '5.0', '--types', 'node']
  const { text } = await output(project, process.execPath, [compiler, ...strict, ...flags, file])
  return text
}

describe('TypeScript 5 and CommonJS', { timeout: 60_000 }, () => {
  test.each([
    ['nodenext', ['--module', 'nodenext']],
    ['node10, which knows no exports', ['--module', 'commonjs', '--moduleResolution', 'node10', '--esModuleInterop']],
  ])('compile every entry to require under %s, and Node runs it', async (_, flags) => {
    expect(await compile('common.ts', ...flags)).toBe('')
    expect(readFileSync(join(project, 'common.js'), 'utf8')).toContain('require("@org/integrations-db")')
    const { text } = await output(project, process.execPath, ['common.js'])
    expect(text).toBe('sync_schedule function function true\n')
  })

  test('exactOptionalPropertyTypes takes undefined for every option that may be left out', async () => {
    const flags = ['--noEmit', '--exactOptionalPropertyTypes', '--module', 'nodenext']
    expect(await compile('exact.ts', ...flags)).toBe('')
  })

  test('Jest loads the package with import() and Node’s flag for modules', async () => {
    process.env.NODE_OPTIONS = '--experimental-vm-modules'
    const { code, text } = await output(project, await program('jest'), ['--rootDir', project])
    delete process.env.NODE_OPTIONS
    expect(code, text).toBe(0)
  })
})
