import type { Queries } from '../admin/connection.ts'
import { type Access, lookSeconds, projectQueries, withQueries } from '../admin/management-api.ts'
import { readStatus } from '../deployment/index.ts'
import { claimsFunctions } from '../schema/claims.ts'
import { advise } from './advice/advice.ts'
import { advisorFindings } from './advice/advisors.ts'
import { citusAdvice } from './advice/citus.ts'
import { answerFindings, claimsAdvice } from './advice/claims.ts'
import { deletionAdvice } from './advice/deletions.ts'
import { loginAdvice } from './advice/logins.ts'
import { moddatetimeAdvice } from './advice/moddatetime.ts'
import { nameAdvice } from './advice/names.ts'
import { replicationAdvice } from './advice/replication.ts'
import { rowAdvice, scheduleAdvice } from './advice/rows.ts'
import { settingAdvice } from './advice/settings.ts'
import { storeAdvice } from './advice/stores.ts'
import { surroundingAdvice } from './advice/surroundings.ts'
import { type Catalog, expectedCatalog, keyOf, readCatalog } from './catalog.ts'
import { compare, type Difference } from './compare.ts'
import type { Finding } from './finding.ts'
import { driftFindings } from './findings.ts'
import { lookAlikes } from './look-alikes.ts'
import { type DoctorReport, report } from './report.ts'
import { historyFindings, lockdownFinding, privilegesTaken } from './states.ts'

/**
 * Compares the live database with what the migrations make, and looks at how it is used. Reads only.
 *
 * @example
 * const { healthy, findings } = await doctor({ url: process.env.INTEGRATIONS_ADMIN_URL })
 *
 * With a project in the place of the URL it asks through the Supabase Management API, its security advisors too.
 *
 * @throws IntegrationsDbError `permission_denied` where the URL is not an administrator's.
 */
export async function doctor({ strict = false, ...access }: Access & { strict?: boolean }): Promise<DoctorReport> {
  const findings = await withQueries(access, diagnose)
  if ('projectRef' in access) findings.push(...advisorFindings(await (await projectQueries(access)).securityAdvice()))
  return report(findings, strict)
}

/** What {@link doctor} finds, for whatever takes a statement's text and gives its rows. */
export async function diagnose(database: Queries): Promise<Finding[]> {
  const { pending, problems } = await readStatus(database)
  const history = historyFindings(pending, problems)
  // Of another state than the packaged one everything would differ.
  if (pending.length > 0 || problems.some(({ problem }) => problem === 'gone')) return history
  return [...history, ...(await examine(database))]
}

const everyAdvice = [
  ...[claimsAdvice, nameAdvice, loginAdvice, storeAdvice, rowAdvice, settingAdvice, surroundingAdvice],
  ...[replicationAdvice, deletionAdvice, moddatetimeAdvice, citusAdvice],
].flat()

/** {@link diagnose} of a database in which every packaged migration is applied. */
export async function examine(database: Queries): Promise<Finding[]> {
  const live = await readCatalog(database)
  const taken = await privilegesTaken(database, live)
  const expected = await expectedCatalog()
  const moved = await lookAlikes(database, expected, live)
  const differences = compare({ expected, live, locked: taken > 0, moved })
  const findings = driftFindings(differences, { expected, owner: live.owner })
  if (taken > 0) findings.unshift(lockdownFinding(taken))

  const sound = await soundKeys(database, live, differences)
  if (taken === 0) sound.add('not locked')
  for (const advice of everyAdvice) {
    if (!advice.needs.every((key) => sound.has(key))) continue
    findings.push(...(await within(advice.through, async () => advice.findings(await database.query(advice.text)))))
  }
  if (scheduleAdvice.needs.every((key) => sound.has(key)))
    findings.push(...(await within(scheduleAdvice.through, () => scheduleAdvice.findings(database.query))))
  for (const name of claimsFunctions) {
    // One that is not ours, and may write, is not called.
    const doubtful = findings.some(({ severity, where }) => severity !== 'information' && where === name)
    if (sound.has(`function ${name}`) && !doubtful) findings.push(...(await answerFindings(database, name)))
  }
  return findings
}

/** One look at rows, which ends: what it would have said is said of it. */
async function within(through: string | undefined, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look()
  } catch (error) {
    const { code, sqlState = code } = error as { code?: string; sqlState?: string }
    if (sqlState !== '57014' || through === undefined) throw error
    return [
      advise({
        severity: 'information',
        what: 'look that took too long',
        where: through,
        expected: `an answer within ${lookSeconds} s`,
        found: 'none: there are too many rows, or the server is busy',
        hint: 'run doctor again in a quiet hour, or on a replica',
      }),
    ]
  }
}

/** What can be looked at or called: where something is missing or another one, that is the finding. */
async function soundKeys(database: Queries, live: Catalog, differences: Difference[]): Promise<Set<string>> {
  const [row] = await database.query<{ vault: boolean; citus: boolean }>(`
    select to_regclass('pg_catalog.pg_dist_partition') is not null as citus, exists (select from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
      where n.nspname = 'vault' and c.relname = 'secrets'
        and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')) as vault`)
  const sound = new Set([...live.objects.map(keyOf), row?.vault ? 'table vault.secrets' : 'no vault'])
  if (row?.citus) sound.add('citus')
  const aspects = differences.map(({ aspect = '' }) => aspect)
  const granted = !aspects.some((aspect) => aspect.startsWith('privileges') || aspect === 'owner')
  if (granted) sound.add('privileges as granted')
  for (const { change, aspect = '', object, consequences } of differences) {
    if (change === 'host' || change === 'extra') continue
    if (change === 'differs' && !['definition', 'type'].includes(aspect)) continue
    for (const one of [object, ...consequences.map((consequence) => consequence.object)]) {
      sound.delete(keyOf(one))
      if (one.kind === 'column') sound.delete(`table ${one.on}`)
    }
  }
  return sound
}
