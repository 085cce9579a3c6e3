/*
 * Names that reports had before, for programs that read them out of `--json`. This is the one file in which they may
 * stand (tests/unit/words.test.ts).
 */

/** A finding with the names it once had beside today's. */
export function withOldNames<F extends { hint: string | null; fix?: string | null }>(finding: F) {
  const { hint, fix } = finding
  return { ...finding, remedy: hint, ...(fix === undefined ? {} : { mend: fix }) }
}

/** `credentials audit` said `mended`. */
export const auditWithOldNames = <R extends { fixed: boolean }>(report: R) => ({ ...report, mended: report.fixed })

/** `credentials revoke` said `strays`. */
export const revocationWithOldNames = <R extends { orphanedSecrets: number }>(report: R) => ({
  ...report,
  strays: report.orphanedSecrets,
})
