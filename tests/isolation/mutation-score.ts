/*
 * `npm run test:mutation`: how many ways of getting isolation wrong the isolation checks notice.
 *
 * Each mutant is applied to a fresh copy of a migrated database and every check is run against it. A mutant that no
 * check notices survives. Score = killed / (generated - equivalent), and only 100 % passes.
 */
import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { bootstrapSql } from '../../src/admin/bootstrap.ts'
import { createLogin } from '../../src/admin/logins.ts'
import { migrate } from '../../src/deployment/migrate.ts'
import { databaseUrl } from '../support/global-setup.ts'
import { startServer } from '../support/server.ts'
import { type Check, openAttacked } from './attacked.ts'
import { checks } from './checks.ts'
import { type Mutant, mutantsOf, pathMutants } from './mutants.ts'

/** Mutants that change nothing anybody could notice, each with its reason. */
const sameRole =
  'the role in WITH CHECK repeats the one in USING, which every row to be changed has passed with the same claims'
const equivalent: Record<string, string> = {
  "policy admins_can_update_integrations: with check \"= 'admin'::text\" to \"= any (array['admin', 'coordinator'])\" (1)":
    sameRole,
  'policy admins_can_update_integrations: with check "= \'admin\'::text" to "<> \'nobody\'" (1)': sameRole,
  'policy admins_can_update_integrations: with check without (( SELECT integrations.current_organization_role() AS cur…':
    sameRole,
  ...Object.fromEntries(
    [
      'refuse(text,text)',
      'encryption_key_id(text)',
      'credential_store()',
      'refuse_activation()',
      'refuse_rename()',
      'pending_alerts(integer)',
    ]
      .flatMap((signature) => pathMutants(`integrations.${signature}`))
      .map(({ name }) => [
        name,
        'names no type and no relation, and calls nothing that does: a path decides about nothing',
      ]),
  ),
}

const server = await startServer()
const run = `test_${randomBytes(4).toString('hex')}`
const login = { name: `${run}_scoped`, password: randomBytes(16).toString('hex') }
/** Mutants are databases of their own, so that each core has one to try. */
const workers = 2
const admin = postgres(server.adminUrl, { max: workers, onnotice: () => {} })
/** How many mutants a check noticed, of which objects, and how long it takes. */
const records = new Map(checks.map((check) => [check, { kills: 0, objects: new Set<string>(), milliseconds: 1 }]))
const recordOf = (check: Check) => records.get(check) as NonNullable<ReturnType<(typeof records)['get']>>
const objectOf = ({ name }: Mutant) => name.split(':')[0] ?? ''

/**
 * All checks, those first that are likely to notice it soon: what noticed a mutant of the same object; of a path, what
 * plants shadows, above all around that function; otherwise what noticed most in its time. Only what none of them notices
 * survives.
 */
function inTurn(mutant: Mutant): Check[] {
  const object = objectOf(mutant)
  const isOfPath = /path|pg_temp/.test(mutant.name)
  const called = /\.(\w+\()/.exec(object)?.[1] ?? ''
  const rank = (check: Check) => {
    const { kills, objects } = recordOf(check)
    if (objects.has(object)) return 0
    if (!isOfPath) return kills > 0 ? 1 : check.shadows === undefined ? 2 : 3
    return check.shadows === undefined ? 3 : check.shadows.includes(called) ? 1 : 2
  }
  const worth = ({ kills, milliseconds }: ReturnType<typeof recordOf>) => kills / milliseconds
  return checks
    .map((check) => ({ check, rank: rank(check), worth: worth(recordOf(check)) }))
    .toSorted((a, b) => a.rank - b.rank || b.worth - a.worth)
    .map(({ check }) => check)
}
const template = `${run}_template`

try {
  process.exitCode = await score()
} finally {
  await admin.unsafe(`drop database if exists ${template} with (force)`)
  await admin.unsafe(`drop role if exists ${login.name}`)
  await admin.end()
  await server.stop()
}

async function score(): Promise<number> {
  await admin.unsafe(`create database ${template}`)
  // `npm run test:mutation -- search_path`: those whose name matches the expression.
  const wanted = new RegExp(process.argv[2] ?? '')
  const mutants = (await prepareTemplate()).filter(({ name }) => wanted.test(name))
  await assertClean()
  const survivors: Mutant[] = []
  const waiting = mutants.filter(({ name }) => !(name in equivalent)).values()
  const work = async (worker: number) => {
    for (const mutant of waiting) {
      const killer = await noticedBy(mutant, worker)
      if (killer === undefined) survivors.push(mutant)
      else {
        recordOf(killer).kills++
        recordOf(killer).objects.add(objectOf(mutant))
      }
      process.stdout.write(killer === undefined ? 'S' : '.')
    }
  }
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)))
  // Again: what failed by now, and not by the mutant, would count as noticed.
  await assertClean()

  const unknown = Object.keys(equivalent).filter(
    (name) => wanted.test(name) && !mutants.some((mutant) => mutant.name === name),
  )
  const known = mutants.filter(({ name }) => name in equivalent)
  const counted = mutants.length - known.length
  const killed = counted - survivors.length
  const killers = [...records.values()].filter(({ kills }) => kills > 0).length
  console.log(
    `\n\n${mutants.length} mutants, ${known.length} equivalent, ${killed} killed, ${survivors.length} survived`,
  )
  console.log(
    `mutation score ${((100 * killed) / counted).toFixed(1)} % (${checks.length} checks, ${killers} of which killed first)`,
  )
  for (const { name } of known) console.log(`equivalent: ${name}: ${equivalent[name]}`)
  for (const { name, sql } of survivors) console.log(`survived: ${name}\n  ${sql}`)
  for (const name of unknown) console.log(`listed as equivalent but not generated: ${name}`)
  console.log(`${killed} passed, ${survivors.length + unknown.length} failed`)
  return survivors.length + unknown.length === 0 ? 0 : 1
}

/** A check that fails on what is right would kill every mutant. */
async function assertClean(): Promise<void> {
  const failed = await noticedBy({ name: 'the correct database', sql: 'select 1' })
  if (failed !== undefined) throw new Error(`a check fails on the correct database: ${failed.title}`)
}

async function prepareTemplate(): Promise<Mutant[]> {
  const url = databaseUrl(server, template)
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  await sql.unsafe(
    `${bootstrapSql} create table organizations (id uuid primary key default gen_random_uuid(), name text not null)`,
  )
  await migrate({ url })
  await createLogin({ url, ...login })
  const mutants = await mutantsOf(sql)
  await sql.end()
  return mutants
}

/** The first check that notices the mutant, or undefined where none does. */
async function noticedBy(mutant: Mutant, worker = 0): Promise<Check | undefined> {
  const name = `${run}_mutant_${worker}`
  await admin.unsafe(`create database ${name} template ${template}`)
  const url = databaseUrl(server, name)
  const db = await openAttacked(url, databaseUrl(server, name, login))
  try {
    await db.admin.unsafe(mutant.sql).catch((error) => {
      throw new Error(`mutant "${mutant.name}" is no valid SQL: ${error.message}\n${mutant.sql}`)
    })
    for (const check of inTurn(mutant)) {
      const startedAt = performance.now()
      try {
        await check.run(db)
      } catch {
        return check
      } finally {
        recordOf(check).milliseconds = performance.now() - startedAt
      }
    }
    return undefined
  } finally {
    await db.end()
    await admin.unsafe(`drop database ${name} with (force)`)
  }
}
