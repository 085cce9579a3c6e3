import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import { databaseUrl } from './global-setup.ts'
import { inDatabase } from './projects.ts'

/** What an application is told of its database: an administrator's URL, a backend's, and one organization. */
export type Host = { admin: string; scoped: string; organizationId: string }

/** An application's database with one organization, in which nothing of ours has ever been; thrown away afterwards. */
export function hosting<T>(work: (host: Host) => Promise<T>): Promise<T> {
  return inDatabase(async (sql) => {
    const server = inject('server')
    const { scoped, password } = server.logins
    const database = String(sql.options.database)
    await sql.unsafe(`revoke temporary on database ${database} from public`)
    const organizationId = randomUUID()
    await sql`insert into public.organizations (id, name) values (${organizationId}, 'acme')`
    return work({
      admin: databaseUrl(server, database),
      scoped: databaseUrl(server, database, { name: scoped, password }),
      organizationId,
    })
  })
}
