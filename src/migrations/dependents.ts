import { type Constraint, isType, type Key, type State, type Thing } from './state.ts'

/* What reads an object, and so keeps it from going or changing its type. */

/** What PostgreSQL keeps from being dropped or retyped under it: what reads a column. */
export function readers(state: State, column: Key): Thing[] {
  return [...state.things.values()].filter((thing) => {
    if (thing.key === column || !thing.refs.includes(column)) return false
    switch (thing.kind) {
      case 'view':
      case 'policy':
        return true
      case 'object':
        return thing.word !== 'statistics'
      case 'column':
        return thing.generated !== undefined
      case 'constraint':
        return thing.type === 'f' || thing.type === 'c' || thing.type === 'x'
      case 'index':
        return !thing.plain
      default:
        return false
    }
  })
}

/** What cannot stay where an object goes; what goes along by itself is not among them. */
export function dependents(state: State, thing: Thing): Thing[] {
  const rest =
    thing.kind === 'constraint' || thing.kind === 'index'
      ? state
          .all('constraint')
          .filter((key) => key.target && serves(thing, key) && rested(state, key, thing.key) === undefined)
      : []
  const reading = [...state.things.values()].filter((other) => {
    if (other.key === thing.key || other.kind === 'setting' || !other.refs.includes(thing.key)) return false
    if (other.on === thing.key && thing.kind !== 'column') return false
    switch (thing.kind) {
      case 'column':
        if (other.on === thing.on && (other.kind === 'index' || other.kind === 'constraint')) return false
        return other.kind !== 'column' || other.generated !== undefined
      case 'table':
      case 'view':
        return (
          other.kind === 'table' ||
          other.kind === 'view' ||
          other.kind === 'policy' ||
          other.kind === 'constraint' ||
          (other.kind === 'object' && (other.word === 'rule' || other.word === 'function'))
        )
      case 'type':
        return other.kind === 'column' ? other.generated !== undefined : true
      case 'object':
        if (isType(thing)) return other.kind === 'column' ? other.generated !== undefined : true
        if (thing.word === 'role') return other.kind === 'policy'
        return thing.word === 'function' ? other.kind !== 'column' || other.generated !== undefined : false
      default:
        return false
    }
  })
  return [...new Set([...rest, ...reading])]
}

/** Whether a foreign key could rest on it. */
export function serves(thing: Thing, { target }: Constraint): boolean {
  if (target === undefined || !('columns' in thing) || thing.on !== target.table) return false
  const unique =
    thing.kind === 'index' ? thing.unique && thing.plain : thing.kind === 'constraint' && 'pu'.includes(thing.type)
  return unique && [...thing.columns].sort().join('\0') === [...target.columns].sort().join('\0')
}

/** What a foreign key rests on, other than `but`. */
export function rested(state: State, key: Constraint, but?: Key): Thing | undefined {
  if (key.target === undefined) return undefined
  // A table that is not known is somebody else's, keys and all.
  if (state.get(key.target.table) === undefined) return key
  return state.owned(key.target.table).find((thing) => thing.key !== but && serves(thing, key))
}

/** What CASCADE takes along. */
export function removeDependents(state: State, key: Key): void {
  const thing = state.get(key)
  for (const other of thing === undefined ? [] : dependents(state, thing)) {
    removeDependents(state, other.key)
    state.remove(other.key)
  }
  const inside = thing?.kind !== 'schema' ? [] : [...state.things.values()]
  for (const other of inside) {
    if (!('schema' in other) || other.schema !== thing?.name || state.get(other.key) === undefined) continue
    removeDependents(state, other.key)
    state.remove(other.key)
  }
  for (const column of state.all('column').filter(({ refs }) => refs.includes(key))) {
    if (thing && isType(thing)) {
      removeDependents(state, column.key)
      state.remove(column.key)
    } else if (column.default !== undefined && (thing?.kind === 'sequence' || thing?.kind === 'object')) {
      const { default: _default, ...plain } = column
      state.put({ ...plain, refs: plain.refs.filter((ref) => ref !== key) })
    }
  }
}
