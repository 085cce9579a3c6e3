import { expect, test } from 'vitest'
import { applyFolder, normalisedDump, startInMemory } from '../../scripts/schema-sql.ts'
import { sqlFiles } from '../support/files.ts'

test('every rollback restores what pg_dump prints, byte for byte, and up again gives the same dump as before', async () => {
  const pg = await startInMemory()
  const empty = await normalisedDump(pg)
  await applyFolder(pg, 'supabase/migrations')
  const full = await normalisedDump(pg)
  expect(full).toContain('CREATE TABLE public.organization_integrations')
  for (const { text } of sqlFiles('rollbacks').reverse()) await pg.exec(text)
  expect(await normalisedDump(pg)).toBe(empty)
  await applyFolder(pg, 'supabase/migrations')
  expect(await normalisedDump(pg)).toBe(full)
  await pg.close()
})
