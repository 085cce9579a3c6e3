import { adminUrl, command, database, terminate } from './command.ts'
import { heldUp } from './maintenance.ts'

export const lockdownCommand = command({
  name: 'lockdown',
  summary: 'In an emergency: let administrators alone read or write our tables.',
  details: 'One transaction revokes every privilege on our tables, functions and schema, and keeps what it revoked.',
  example: 'integrations-db lockdown --terminate',
  options: {
    lift: {
      type: 'boolean',
      description: 'Give back exactly what was revoked.',
      default: false,
      example: '--lift',
    },
    ...terminate,
    ...database,
  },
  async run({ url, lift, terminate: ending }) {
    const { liftLockdown, lockdown } = await import('../admin/lockdown.ts')
    const target = { url: adminUrl({ url }), terminate: ending }
    const report = await (lift ? liftLockdown(target) : lockdown(target))
    const { grants, stillAllowed, stillOpen, ended } = report
    const change = lift ? `gave back ${grants} privileges` : `took ${grants} privileges away`
    const lines = [
      ...heldUp('ended', ended),
      ...heldUp('still in a transaction that may go on reading what it has open', stillOpen),
      ...(stillOpen.length > 0 ? ['run it again with --terminate, or end them'] : []),
      `${change}; who can read or write by themselves: ${stillAllowed.join(', ')}`,
    ]
    return { report, text: lines.join('\n'), findings: stillOpen.length > 0 }
  },
})
