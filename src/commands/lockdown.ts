import { adminUrl, command, database, terminate } from './command.ts'
import { heldUp } from './upkeep.ts'

export const lockdownCommand = command({
  name: 'lockdown',
  usage: '[--lift] [--terminate]',
  summary:
    'emergency: nobody but administrators reads or writes our tables; --terminate ends who still reads; --lift: back again',
  example: 'integrations-db lockdown --terminate',
  options: { ...database, ...terminate, lift: { type: 'boolean', default: false } },
  async run({ url, lift, terminate: ending = false }) {
    const { liftLockdown, lockdown } = await import('../lockdown.ts')
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
