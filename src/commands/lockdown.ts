import { adminUrl, command, database } from './command.ts'

export const lockdownCommand = command({
  name: 'lockdown',
  usage: '[--lift]',
  summary: 'emergency: nobody but administrators reads or writes our tables; back again',
  example: 'integrations-db lockdown',
  options: { ...database, lift: { type: 'boolean', default: false } },
  async run({ url, lift }) {
    const { liftLockdown, lockdown } = await import('../admin/lockdown.ts')
    const target = { url: adminUrl({ url }) }
    const report = await (lift ? liftLockdown(target) : lockdown(target))
    const change = lift ? `gave back ${report.grants} privileges` : `took ${report.grants} privileges away`
    return { report, text: `${change}; who can read or write by themselves: ${report.stillAllowed.join(', ')}` }
  },
})
