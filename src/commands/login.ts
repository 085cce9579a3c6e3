import { adminUrl, command, database } from './command.ts'

export const loginCommand = command({
  name: 'login create',
  word: 'NAME',
  usage: '[--service]',
  summary: 'a login for backends, with no rights of its own; prints its password once',
  example: 'integrations-db login create backend',
  options: { ...database, service: { type: 'boolean', default: false } },
  async run({ url, service = false }, name) {
    const { createLogin, newPassword } = await import('../admin/logins.ts')
    const password = newPassword()
    await createLogin({ url: adminUrl({ url }), name, password, service })
    return { report: { name, password }, text: `login ${name} created; its password, shown this once: ${password}` }
  },
})
