import { adminUrl, command, database } from './command.ts'

export const loginCommand = command({
  name: 'login create',
  argument: { name: 'NAME', description: 'The name of the new login role.' },
  summary: 'Create a login for backends, with no rights of its own.',
  details: 'Prints its password once. The login may become authenticated, or with --service service_role.',
  example: 'integrations-db login create integrations_backend',
  options: {
    service: {
      type: 'boolean',
      description: 'Let it become service_role, for INTEGRATIONS_SERVICE_URL.',
      default: false,
      example: '--service',
    },
    ...database,
  },
  async run({ url, service }, name) {
    const { createLogin, newPassword } = await import('../admin/logins.ts')
    const password = newPassword()
    await createLogin({ url: adminUrl({ url }), name, password, service })
    return { report: { name, password }, text: `login ${name} created; its password, shown this once: ${password}` }
  },
})
