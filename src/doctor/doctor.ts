import { type Admin, administrate, type Queries } from '../admin.ts'
import { advise } from './advice/advice.ts'
import { loginAdvice } from './advice/logins.ts'
import { rowAdvice } from './advice/rows.ts'
import { storeAdvice } from './advice/stores.ts'
import { type Catalog, expectedCatalog, keyOf, readCatalog } from './catalog.ts'
import { compare, type Difference } from './compare.ts'
import { driftFindings, type Finding } from './findings.ts'
import { pendingVersions } from './pending.ts'

/** What doctor found. `healthy` is false where there is drift, and with `strict` where there is advice. */
export type DoctorReport = { healthy: boolean; findings: Finding[] }

/**
 * Compares the live database with what the migrations make, and looks at how it is used. Reads only.
 *
 * @example
 * const { healthy, findings } = await doctor({ url: process.env.INTEGRATIONS_ADMIN_URL })
 *
 * @throws IntegrationsDbError `permission_denied` where the URL is not an administrator's.
 */
export function doctor({ url, strict = false }: { url: string; strict?: boolean }): Promise<DoctorReport> {
  return administrate(url, async (sql) => report(await diagnose(queriesOf(sql)), strict))
}

/** A report of findings, however they were made. */
export function report(findings: Finding[], strict = false): DoctorReport {
  const counts = strict ? ['drift', 'advice'] : ['drift']
  return { healthy: !findings.some(({ severity }) => counts.includes(severity)), findings }
}

/** {@link doctor} for whatever takes a statement's text and gives its rows. */
export async function diagnose(database: Queries): Promise<Finding[]> {
  const pending = await pendingVersions(database)
  if (pending.length > 0) return [pendingFinding(pending)]
  const live = await readCatalog(database)
  const taken = await privilegesTaken(database, live)
  const expected = await expectedCatalog()
  const differences = compare({ expected, live, locked: taken > 0 })
  const drift = driftFindings(differences, { expected, owner: live.owner })
  const advice: Finding[] = []
  const sound = await soundKeys(database, live, differences)
  if (taken === 0) sound.add('not locked')
  for (const one of [...loginAdvice, ...storeAdvice, ...rowAdvice]) {
    if (one.needs.every((key) => sound.has(key))) advice.push(...one.findings(await database.query(one.text)))
  }
  const claims = taken > 0 ? [] : await claimsFindings(database, live, [...drift, ...advice])
  return [...(taken > 0 ? [lockdownFinding(taken)] : []), ...drift, ...advice, ...claims]
}

function pendingFinding(pending: string[]): Finding {
  return {
    severity: 'drift',
    what: 'pending migrations',
    where: 'supabase_migrations.schema_migrations',
    expected: 'every packaged migration',
    found: `${pending.length} missing: ${pending.join(', ')}`,
    mend: null,
    remedy: 'integrations-db migrate; the catalog is compared after that',
  }
}

function lockdownFinding(taken: number): Finding {
  return {
    severity: 'drift',
    what: 'locked down',
    where: 'integrations.revoked_grants',
    expected: 'the privileges that the migrations grant',
    found: `${taken} privileges taken away`,
    mend: null,
    remedy: 'integrations-db lockdown --lift',
  }
}

async function privilegesTaken(database: Queries, live: Catalog): Promise<number> {
  if (!live.objects.some((object) => keyOf(object) === 'table integrations.revoked_grants')) return 0
  const [row] = await database.query<{ count: number }>(
    'select count(*)::integer as count from integrations.revoked_grants',
  )
  return row?.count ?? 0
}

/** What can be looked at: where a table or function is missing or another one, that is the finding. */
async function soundKeys(database: Queries, live: Catalog, differences: Difference[]): Promise<Set<string>> {
  const [row] = await database.query<{ vault: boolean }>(`
    select exists (select from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
      where n.nspname = 'vault' and c.relname = 'secrets'
        and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')) as vault`)
  const sound = new Set([...live.objects.map(keyOf), row?.vault ? 'table vault.secrets' : 'no vault'])
  const aspects = differences.map(({ aspect }) => aspect ?? '')
  if (!aspects.some((aspect) => aspect.startsWith('privileges') || aspect === 'owner'))
    sound.add('privileges as granted')
  for (const { change, aspect, object, consequences } of differences) {
    if (change === 'differs' && !['definition', 'type'].includes(aspect ?? '')) continue
    for (const one of [object, ...consequences.map((consequence) => consequence.object)]) {
      sound.delete(keyOf(one))
      sound.delete(`table ${one.on}`)
    }
  }
  return sound
}

/** Asks the claims functions what they answer where there are no claims: nothing, and no error. */
async function claimsFindings(database: Queries, live: Catalog, known: Finding[]): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const name of ['integrations.current_organization_id()', 'integrations.current_organization_role()']) {
    const there = live.objects.some((object) => keyOf(object) === `function ${name}`)
    // What is no function of ours, and may write, is not called.
    const doubtful = known.some(({ severity, where }) => severity !== 'information' && where === name)
    if (!there || doubtful) continue
    const found = await answerOf(database, name)
    if (found === null) continue
    findings.push(
      advise({
        what: 'claims function',
        where: name,
        expected: 'null where there are no claims',
        found,
        remedy: 'correct it; docs/memberships.md has one that works',
      }),
    )
  }
  return findings
}

async function answerOf(database: Queries, name: string): Promise<string | null> {
  try {
    const [row] = await database.query<{ empty: boolean }>(`select ${name} is null as empty`)
    return row?.empty ? null : 'an answer'
  } catch (error) {
    // Its message may quote anything.
    const { code, sqlState = code } = error as { code?: string; sqlState?: string }
    return `an error${sqlState ? ` (SQLSTATE ${sqlState})` : ''}`
  }
}

function queriesOf(sql: Admin): Queries {
  return { query: async <Row>(text: string) => [...(await sql.unsafe(text))] as Row[] }
}

/** Findings as a person likes to read them. */
export function doctorText({ findings }: DoctorReport): string {
  const count = (severity: Finding['severity']) => findings.filter((one) => one.severity === severity).length
  const blocks = findings.map(({ severity, what, where, expected, found, mend, remedy }) =>
    [
      `${severity}: ${what}: ${where}`,
      `  expected  ${indented(expected)}`,
      `  found     ${indented(found)}`,
      ...(mend === null ? [] : [`  mend      ${indented(mend)}`]),
      ...(remedy === null ? [] : [`  remedy    ${indented(remedy)}`]),
    ].join('\n'),
  )
  const sums = `${count('drift')} drift, ${count('advice')} advice, ${count('information')} information`
  return [...blocks, findings.length === 0 ? 'as the migrations make it; nothing to advise' : sums].join('\n\n')
}

function indented(text: string): string {
  return text.replaceAll('\n', '\n            ')
}
