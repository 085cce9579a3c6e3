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
  /** The SQL that mends it, which can run twice; null where no SQL can. */
  mend: string | null
  /** What to do where no SQL mends it, or instead of it. */
  remedy: string | null
}
