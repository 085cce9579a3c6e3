import { adminUrl, command, database } from './command.ts'

export const lockdownCommand = command({
  name: 'lockdown',
  summary: 'In an emergency: let administrators alone read or write our tables.',
  details: 'One transaction revokes every privilege on our tables, functions and schema, and keeps what it revoked.',
  example: 'integrations-db lockdown',
  options: {
    lift: {
      type: 'boolean',
      description: 'Give back exactly what was revoked.',
      default: false,
      example: '--lift',
    },
    ...database,
  },
  async run({ url, lift }) {
    const { liftLockdown, lockdown } = await import('../lockdown.ts')
    const target = { url: adminUrl({ url }) }
    const report = await (lift ? liftLockdown(target) : lockdown(target))
    const change = lift ? `gave back ${report.grants} privileges` : `took ${report.grants} privileges away`
    return { report, text: `${change}; who can read or write by themselves: ${report.stillAllowed.join(', ')}` }
  },
})
