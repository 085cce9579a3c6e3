import postgres from 'postgres'
import { describe, expect, test } from 'vitest'
import { type Extra, withSafeFunctions } from '../../src/extras/extra.ts'
import { definerFunction } from '../../src/extras/functions.ts'
import { moddatetime } from '../../src/extras/kinds.ts'
import { type Mutant, pathMutants } from '../isolation/mutants.ts'
import { plant } from '../isolation/shadows.ts'
import { useDatabase } from '../support/database.ts'

const t = useDatabase('host')
const bare = useDatabase()

describe('a function that is declared', () => {
  const declare = (create: string): Extra[] => withSafeFunctions([{ key: 'one', phase: 'after', create }])
  const declared = (path: string, body = 'select 1', kind = 'function') =>
    `create or replace ${kind} f() returns int\nlanguage sql\n${path}as $$ ${body} $$;`
  const safe = 'set search_path = pg_catalog, pg_temp\n'

  test('with the path that finds temporary objects last is taken as it is', () => {
    const extra = declare(declared(safe, "-- it's\nselect E'a\\\\b', 'c'"))
    expect(extra[0]?.create).toContain(safe)
    expect(withSafeFunctions([definerFunction({ name: 'a.f', returns: 'void', body: 'begin end' })])).toHaveLength(1)
  })

  test.each([
    ['none', ''],
    ['an empty one', "set search_path = ''\n"],
    ['one without pg_temp', 'set search_path = pg_catalog\n'],
    ['one with pg_temp first', 'set search_path = pg_temp, pg_catalog\n'],
    ['one with schema public', 'set search_path = pg_catalog, public, pg_temp\n'],
    ['the right one in its body alone', '', safe],
    ['none, as a procedure', '', 'select 1', 'procedure'],
  ])('with another path is refused, and named: %s', (_what, path, body?: string, kind?: string) => {
    expect(() => declare(declared(path, body, kind))).toThrow(
      /^extras: one: must have "set search_path = pg_catalog, pg_temp"/,
    )
  })

  test('with a text whose meaning a setting changes is refused', () => {
    expect(() => declare(declared(safe, "select 'a\\1'"))).toThrow(/one: has 'a\\1', which means something else/)
  })
})

describe('every function there is in the migrated database', () => {
  test('searches pg_catalog, then pg_temp: triggers and claims functions too', async () => {
    const paths = await bare.admin`select distinct proconfig::text as path from pg_proc
      where pronamespace in ('integrations'::regnamespace, 'public'::regnamespace)`
    expect(paths.map(({ path }) => path)).toEqual(['{"search_path=pg_catalog, pg_temp"}'])
  })
})

describe("the function that takes moddatetime's place", () => {
  const [standIn = ''] = moddatetime().create.match(/create function extensions\.moddatetime[\s\S]*\$function\$;/) ?? []

  /** Whether a temporary type passed for PostgreSQL's where a trigger calls it. */
  async function isFooled(mutant?: Mutant): Promise<boolean> {
    const evil: unknown[] = []
    const sql = postgres(t.adminUrl, {
      max: 1,
      onnotice: ({ message = '' }) => message.startsWith('evil') && evil.push(message),
    })
    const undone = new Error('undone')
    await sql
      .begin(async (tx) => {
        await tx.unsafe(`${standIn} ${mutant?.sql ?? ''};
          create table public.touched (id int);
          create trigger touch before insert on public.touched for each row execute function extensions.moddatetime('none')`)
        await tx.unsafe(`grant temporary on database ${t.name} to authenticated; ${plant}`)
        await tx.savepoint((nested) => nested.unsafe('insert into public.touched values (1)')).catch(() => {})
        throw undone
      })
      .catch((error) => {
        if (error !== undone) throw error
      })
    await sql.end()
    return evil.length > 0
  }

  test("takes nobody's temporary type for PostgreSQL's", async () => {
    expect(await isFooled()).toBe(false)
  })

  test.each(pathMutants('extensions.moddatetime()').map((mutant) => [mutant.name, mutant] as const))(
    'would with another path: %s',
    async (_name, mutant) => {
      expect(await isFooled(mutant)).toBe(true)
    },
  )

  test('is brought up to date by the migration where an older version made it', async () => {
    await t.admin.unsafe(`${standIn} alter function extensions.moddatetime() set search_path = ''`)
    for (let i = 0; i < 2; i++) await t.admin.unsafe(moddatetime().create)
    const [row] = await t.admin`select proconfig::text as path from pg_proc where proname = 'moddatetime'`
    expect(row).toEqual({ path: '{"search_path=pg_catalog, pg_temp"}' })
  })
})
