import type { SecretsReport } from '../credential-upkeep.ts'
import { adminUrl, apply, command, database, type Outcome, terminate, UsageError } from './command.ts'
import { applying, planned, summary } from './upkeep.ts'

const upkeep = () => import('../credential-upkeep.ts')
const keyed = {
  ...database,
  ...apply,
  ...terminate,
  'allow-parameter-logging': { type: 'boolean', default: false },
} as const

export const credentialCommands = [
  command({
    name: 'credentials audit',
    usage: '[--apply] [--terminate]',
    summary: 'secrets without a reference, references without a secret, secrets that cannot be decrypted',
    example: 'integrations-db credentials audit',
    options: keyed,
    async run(flags) {
      const report = await (await upkeep()).auditCredentials(await target(flags))
      const { findings, mended } = report
      const lines = findings.map((found) =>
        found.finding === 'secret without a reference'
          ? `${found.finding}: ${found.store} ${found.id} ${found.name ?? ''}`
          : `${found.finding}: ${found.store}, integration ${found.integrationId} version ${found.version}`,
      )
      const left = flags.apply
        ? 'mended, but for what cannot be decrypted: bring its key back, or rotate the credential'
        : planned
      const end = findings.length === 0 ? 'nothing found' : mended ? 'mended all of it' : left
      return { report, text: [...lines, end].join('\n'), findings: findings.length > 0 && !mended }
    },
  }),
  command({
    name: 'credentials revoke',
    usage: '(--organization ID | --all) [--apply] [--terminate]',
    summary: 'in a breach: ends credentials, alerts each organization; --terminate ends who holds their rows',
    example: 'integrations-db credentials revoke --all --apply',
    options: {
      ...database,
      ...apply,
      ...terminate,
      organization: { type: 'string' },
      all: { type: 'boolean', default: false },
    },
    async run({ url, organization, all, apply: really = false, terminate: ending = false }) {
      if ((organization === undefined) !== all) throw new UsageError('--organization ID or --all, one of them')
      const report = await (await upkeep()).revokeCredentials({
        url: adminUrl({ url }),
        organizationId: organization ?? 'all',
        ...applying({ apply: really, terminate: ending }),
      })
      const { organizations, strays, failures, ended } = report
      const lines = [
        ...organizations.map((one) => `organization ${one.organizationId}: ${one.integrations} integrations`),
        `${strays} secrets without a reference`,
      ]
      const left = organizations.length + strays
      return { report, ...summary({ lines, done: 'revoked', failures, ended, left }, really) }
    },
  }),
  command({
    name: 'credentials move',
    usage: '--to vault [--apply] [--terminate]',
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
    usage: '[--apply] [--terminate]',
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

type Keyed = { url?: string | undefined; apply?: boolean; terminate?: boolean; 'allow-parameter-logging'?: boolean }

async function target({ url, 'allow-parameter-logging': allowParameterLogging = false, ...flags }: Keyed) {
  const { assertStrongKey, encryptionKey } = await import('../input.ts')
  const key = encryptionKey('INTEGRATIONS_ENCRYPTION_KEY')
  assertStrongKey('INTEGRATIONS_ENCRYPTION_KEY', key)
  return {
    url: adminUrl({ url }),
    ...applying(flags),
    encryptionKey: key,
    previousEncryptionKey: encryptionKey('INTEGRATIONS_PREVIOUS_ENCRYPTION_KEY'),
    allowParameterLogging,
  }
}

function walked(report: SecretsReport, done: string, really = false): Outcome {
  const { secrets, failures, ended } = report
  return { report, ...summary({ lines: [`${secrets} secrets`], done, failures, ended, left: secrets }, really) }
}
