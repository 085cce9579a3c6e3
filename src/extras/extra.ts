/*
 * What drizzle-kit cannot say: functions, triggers, grants, forced row-level security, comments, preconditions.
 * A project declares them in TypeScript beside its tables; their JSON snapshot per migration lies in
 * `supabase/extras/`, so that a changed grant or function body alone also becomes a migration and a rollback.
 */

/** One declared object that drizzle-kit has no word for. */
export type Extra = {
  /** Identity: two snapshots are compared by it. */
  key: string
  /**
   * Where it runs: `require` first of all, `before` after schemas and types but ahead of tables and policies,
   * `after` when all of drizzle-kit's statements have run.
   */
  phase: 'require' | 'before' | 'after'
  /** The table, type or schema (`schema.name`, or a schema's name) that takes it along when it is dropped. */
  on?: string
  /** Statements that can run twice and leave this very definition. */
  create: string
  /** Statements that can run twice and undo `create`; absent where nothing is to be undone. */
  drop?: string
}

/** Statements to run around drizzle-kit's own, in this order. */
type ExtrasDiff = {
  require: string[]
  /** Drops of `after` extras: before the tables change under them. */
  dropAfter: string[]
  createBefore: string[]
  createAfter: string[]
  /** Drops of `before` extras: once no policy or table uses them. */
  dropBefore: string[]
}

/**
 * What leads from one set of extras to another.
 *
 * `kept` tells whether an object still exists at the end: what was attached to a dropped table is gone with it.
 * `remade` tells whether it was dropped and made anew on the way, so that what is said of it has to be said again.
 */
export function diffExtras(
  from: Extra[],
  to: Extra[],
  kept: (object: string) => boolean,
  remade: (object: string) => boolean = () => false,
): ExtrasDiff {
  const was = new Map(from.map((extra) => [extra.key, extra.create]))
  const remains = new Set(to.map((extra) => extra.key))
  const changed = to.filter(
    (extra) => was.get(extra.key) !== extra.create || (extra.on !== undefined && remade(extra.on)),
  )
  const removed = from
    .filter((extra) => !remains.has(extra.key) && (extra.on === undefined || kept(extra.on)))
    .reverse()
  const creates = (phase: Extra['phase']) =>
    changed.filter((extra) => extra.phase === phase).map(({ create }) => create)
  const drops = (phase: Extra['phase']) => removed.flatMap((extra) => (extra.phase === phase ? (extra.drop ?? []) : []))
  return {
    require: creates('require'),
    dropAfter: drops('after'),
    createBefore: creates('before'),
    createAfter: creates('after'),
    dropBefore: drops('before'),
  }
}
