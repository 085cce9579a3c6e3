import { describe, expect, test } from 'vitest'
import { breakages } from '../support/breakages.ts'
import { useDatabase } from '../support/database.ts'
import { findingsOfMigrated, undone } from '../support/diagnosis.ts'

const t = useDatabase()

describe('one thing broken is one finding, and its SQL, run twice, fixes it', () => {
  test.each(breakages)('$what: $where', async ({ sql, what, where, severity = 'drift' }) => {
    await undone(t.admin, async (tx) => {
      await tx.unsafe(sql)
      const found = await findingsOfMigrated(tx)
      expect(found).toMatchObject([{ severity, what, where }])
      const [{ fix = null } = {}] = found
      if (fix === null) {
        // What is the host's own stays as it is.
        expect(severity).toBe('information')
        return
      }
      await tx.unsafe(fix)
      await tx.unsafe(fix)
      const left = await findingsOfMigrated(tx)
      expect(left.filter((one) => one.severity !== 'information' || one.fix !== null)).toEqual([])
    })
  })
})
