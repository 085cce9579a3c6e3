/** Something that doctor has to say. */
export type Finding = {
  /** `drift`: the database is not what the migrations make. `advice`: it is, and should be used otherwise. */
  severity: 'drift' | 'advice' | 'information'
  /** What is wrong, in a few words. */
  what: string
  /** Names of objects, or ids of rows. */
  where: string
  expected: string
  found: string
  /** The SQL that fixes it, which can run twice; null where no SQL can. */
  fix: string | null
  /** What to do where no SQL fixes it, or instead of it. */
  hint: string | null
}
