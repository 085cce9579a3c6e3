import type { SecretsReport } from '../admin/credentials.ts'
import { adminUrl, apply, command, database, type Options, type Outcome, terminate, UsageError } from './command.ts'
import { applying, planned, summary } from './maintenance.ts'
import { auditWithOldNames, revocationWithOldNames } from './old-names.ts'

const maintenance = () => import('../admin/credentials.ts')
const keyed = {
  ...apply,
  ...terminate,
  'allow-parameter-logging': {
    type: 'boolean',
    description: 'Go on although the server writes parameters, and so keys, into its log.',
    default: false,
    example: '--allow-parameter-logging',
  },
  ...database,
} as const satisfies Options

export const credentialCommands = [
  command({
    name: 'credentials audit',
    summary: 'Find orphaned secrets, references whose secret is gone, and secrets that cannot be decrypted.',
    example: 'integrations-db credentials audit',
    options: keyed,
    async run(flags) {
      const report = await (await maintenance()).auditCredentials(await target(flags))
      const { findings, fixed } = report
      const lines = findings.map((found) =>
        found.finding === 'orphaned secret'
          ? `${found.finding}: ${found.store} ${found.id} ${found.name ?? ''}`
          : `${found.finding}: ${found.store}, integration ${found.integrationId} version ${found.version}`,
      )
      const left = flags.apply
        ? 'fixed, but for what cannot be decrypted: bring its key back, or rotate the credential'
        : planned
      const end = findings.length === 0 ? 'nothing found' : fixed ? 'fixed all of it' : left
      return {
        report: auditWithOldNames(report),
        text: [...lines, end].join('\n'),
        findings: findings.length > 0 && !fixed,
      }
    },
  }),
  command({
    name: 'credentials revoke',
    summary: 'In a breach: revoke credentials and alert each organization.',
    example: 'integrations-db credentials revoke --all --apply',
    options: {
      organization: {
        type: 'string',
        value: 'ID',
        description: 'Revoke the credentials of one organization.',
        example: '--organization 00000000-0000-4000-8000-000000000000',
      },
      all: { type: 'boolean', description: 'Revoke every credential.', default: false, example: '--all' },
      ...apply,
      ...terminate,
      ...database,
    },
    choices: [{ of: ['organization', 'all'], required: true }],
    async run({ url, organization, apply: really, terminate: ending }) {
      const report = await (await maintenance()).revokeCredentials({
        url: adminUrl({ url }),
        organizationId: organization ?? 'all',
        ...applying({ apply: really, terminate: ending }),
      })
      const { organizations, orphanedSecrets, failures, ended } = report
      const lines = [
        ...organizations.map((one) => `organization ${one.organizationId}: ${one.integrations} integrations`),
        `${orphanedSecrets} orphaned secrets`,
      ]
      const left = organizations.length + orphanedSecrets
      return {
        report: revocationWithOldNames(report),
        ...summary({ lines, done: 'revoked', failures, ended, left }, really),
      }
    },
  }),
  command({
    name: 'credentials move',
    summary: 'Move credentials from the pgcrypto fallback into Supabase Vault.',
    example: 'integrations-db credentials move --to vault --apply',
    options: {
      to: {
        type: 'string',
        value: 'vault',
        description: 'Name the store to move to; vault is the only one.',
        example: '--to vault',
        required: true,
      },
      ...keyed,
    },
    async run({ to, ...flags }) {
      if (to !== 'vault') throw new UsageError('pass --to vault: it is the only store to move to')
      return walked(await (await maintenance()).moveToVault(await target(flags)), 'moved into Vault', flags.apply)
    },
  }),
  command({
    name: 'credentials rotate-key',
    summary: 'Encrypt the credentials of the pgcrypto fallback with a new key.',
    details: 'Reads with INTEGRATIONS_PREVIOUS_ENCRYPTION_KEY, writes with INTEGRATIONS_ENCRYPTION_KEY.',
    example: 'integrations-db credentials rotate-key --apply',
    options: keyed,
    async run(flags) {
      return walked(
        await (await maintenance()).rotateEncryptionKey(await target(flags)),
        'encrypted with the new key',
        flags.apply,
      )
    },
  }),
]

type Keyed = { url?: string | undefined; apply?: boolean; terminate?: boolean; 'allow-parameter-logging'?: boolean }

async function target({ url, 'allow-parameter-logging': allowParameterLogging = false, ...flags }: Keyed) {
  const { assertStrongKey, encryptionKey } = await import('../util/checks.ts')
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
