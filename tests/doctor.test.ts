import type postgres from 'postgres'
import { describe, expect, test } from 'vitest'
import type { Queries } from '../src/admin.ts'
import { diagnose, doctor } from '../src/doctor/doctor.ts'
import type { Finding } from '../src/doctor/findings.ts'
import { breakages } from './breakages.ts'
import { useDatabase } from './database.ts'

const t = useDatabase()

/** Of the test server's own making, in every database: a login that may become both. */
const ofTheServer = ({ what, where }: Finding) => what === 'login that may become both' && where.endsWith('_combined')

function queries(sql: postgres.Sql | postgres.TransactionSql): Queries {
  return {
    query: async <Row>(text: string) => [...(await sql.unsafe(text, [], { prepare: true }))] as unknown as Row[],
  }
}

async function findings(sql: postgres.Sql | postgres.TransactionSql): Promise<Finding[]> {
  return (await diagnose(queries(sql))).filter((finding) => !ofTheServer(finding))
}

/** Lends a transaction of which nothing is kept. */
async function undone(work: (tx: postgres.TransactionSql) => Promise<void>): Promise<void> {
  const undo = new Error('undo')
  await t.admin
    .begin(async (tx) => {
      await work(tx)
      throw undo
    })
    .catch((error) => {
      if (error !== undo) throw error
    })
}

describe('a database fresh from the migrations', () => {
  test('gives no finding, also where Supabase grants everything on new objects', async () => {
    const { healthy, findings } = await doctor({ url: t.adminUrl })
    expect(findings.filter((finding) => !ofTheServer(finding))).toEqual([])
    expect(healthy).toBe(true)
  })
})

describe('one thing broken is one finding, and its SQL, run twice, mends it', () => {
  test.each(breakages)('$what: $where', async ({ sql, what, where, severity = 'drift' }) => {
    await undone(async (tx) => {
      await tx.unsafe(sql)
      const found = await findings(tx)
      expect(found).toMatchObject([{ severity, what, where }])
      const [{ mend = null } = {}] = found
      if (mend === null) {
        expect(severity).toBe('information')
        return
      }
      await tx.unsafe(mend)
      await tx.unsafe(mend)
      const left = await findings(tx)
      expect(left.filter((one) => one.severity !== 'information' || (one.what === what && one.mend !== null))).toEqual(
        [],
      )
    })
  })
})
