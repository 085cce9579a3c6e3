import type { SecretsReport } from '../admin/credentials.ts'
import { adminUrl, apply, command, database, type Outcome, UsageError } from './command.ts'
import { applying, planned, summary } from './maintenance.ts'

const upkeep = () => import('../admin/credentials.ts')
const keyed = { ...database, ...apply, 'allow-parameter-logging': { type: 'boolean', default: false } } as const

export const credentialCommands = [
  command({
    name: 'credentials audit',
    usage: '[--apply]',
    summary: 'secrets without a reference, references without a secret',
    example: 'integrations-db credentials audit',
    options: { ...database, ...apply },
    async run({ url, apply: mend = false }) {
      const report = await (await upkeep()).auditCredentials({ url: adminUrl({ url }), apply: mend })
      const { findings, mended } = report
      const lines = findings.map((found) =>
        found.finding === 'secret without a reference'
          ? `${found.finding}: ${found.store} ${found.id} ${found.name ?? ''}`
          : `${found.finding}: ${found.store}, integration ${found.integrationId} version ${found.version}`,
      )
      const end = findings.length === 0 ? 'nothing found' : mended ? 'mended all of it' : planned
      return { report, text: [...lines, end].join('\n'), findings: findings.length > 0 && !mended }
    },
  }),
  command({
    name: 'credentials revoke',
    usage: '(--organization ID | --all) [--apply]',
    summary: 'in a breach: ends credentials, alerts each organization',
    example: 'integrations-db credentials revoke --all --apply',
    options: {
      ...database,
      ...apply,
      organization: { type: 'string' },
      all: { type: 'boolean', default: false },
    },
    async run({ url, organization, all, apply: really = false }) {
      if ((organization === undefined) !== all) throw new UsageError('--organization ID or --all, one of them')
      const report = await (await upkeep()).revokeCredentials({
        url: adminUrl({ url }),
        organizationId: organization ?? 'all',
        ...applying(really),
      })
      const { organizations, strays, failures } = report
      const lines = [
        ...organizations.map((one) => `organization ${one.organizationId}: ${one.integrations} integrations`),
        `${strays} secrets without a reference`,
      ]
      const left = organizations.length + strays
      return { report, ...summary({ lines, done: 'revoked', failures, left }, really) }
    },
  }),
  command({
    name: 'credentials move',
    usage: '--to vault [--apply]',
    summary: 'from the pgcrypto fallback into Supabase Vault',
    example: 'integrations-db credentials move --to vault --apply',
    options: { ...keyed, to: { type: 'string' } },
    async run({ to, ...flags }) {
      if (to !== 'vault') throw new UsageError('--to vault is the only place to move to')
      return walked(await (await upkeep()).moveToVault(await target(flags)), 'moved into Vault', flags.apply)
    },
  }),
  command({
    name: 'credentials rotate-key',
    usage: '[--apply]',
    summary: 'from INTEGRATIONS_PREVIOUS_ENCRYPTION_KEY to INTEGRATIONS_ENCRYPTION_KEY',
    example: 'integrations-db credentials rotate-key --apply',
    options: keyed,
    async run(flags) {
      return walked(
        await (await upkeep()).rotateEncryptionKey(await target(flags)),
        'encrypted with the new key',
        flags.apply,
      )
    },
  }),
]

type Keyed = { url?: string | undefined; apply?: boolean; 'allow-parameter-logging'?: boolean }

async function target({ url, apply: really = false, 'allow-parameter-logging': allowParameterLogging = false }: Keyed) {
  const { encryptionKey } = await import('../client/input.ts')
  return {
    url: adminUrl({ url }),
    ...applying(really),
    encryptionKey: encryptionKey('INTEGRATIONS_ENCRYPTION_KEY'),
    previousEncryptionKey: encryptionKey('INTEGRATIONS_PREVIOUS_ENCRYPTION_KEY'),
    allowParameterLogging,
  }
}

function walked(report: SecretsReport, done: string, really = false): Outcome {
  const { secrets, failures } = report
  return { report, ...summary({ lines: [`${secrets} secrets`], done, failures, left: secrets }, really) }
}
