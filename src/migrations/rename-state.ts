import type { Nodes } from './nodes.ts'
import { argumentsOf, objectKey, typeNamed } from './objects.ts'
import type { Outcome } from './outcome.ts'
import { textOf } from './parse-tree.ts'
import { relationOf } from './references.ts'
import { inText, labelInDefault, labelInText } from './rename-text.ts'
import { isType, type Key, partKey, pathOf, type State, type Thing } from './state.ts'

/* What RENAME and SET SCHEMA do to a state: keys of the object and of all that belongs to it, and its name in the text of others. */

export type Rename = { from: Key; to: Key } | { type: Key; from: string; to: string }

/** What a RENAME or SET SCHEMA renames: `undefined` where it is not known what. */
export function renameOf(
  state: State,
  node: Nodes['RenameStmt'] | Nodes['AlterObjectSchemaStmt'],
): { from: Key; to: Key } | undefined {
  if ('newschema' in node || 'objectType' in node) {
    const { objectType, object, relation, newschema } = node as Nodes['AlterObjectSchemaStmt']
    const from = objectKey(state, objectType, object, relation)
    if (from === undefined) return undefined
    const path = pathOf(from)
    return { from, to: `${from.slice(0, from.indexOf(' '))} ${newschema}.${path.slice(path.indexOf('.') + 1)}` }
  }
  const { renameType, object, relation, subname, newname } = node as Nodes['RenameStmt']
  const table = relation && relationOf(state, relation)
  const part = {
    OBJECT_COLUMN: 'column',
    OBJECT_TABCONSTRAINT: 'constraint',
    OBJECT_POLICY: 'policy',
    OBJECT_TRIGGER: 'trigger',
    OBJECT_RULE: 'rule',
  }[textOf(renameType)]
  if (part && table) return { from: partKey(part, table, textOf(subname)), to: partKey(part, table, textOf(newname)) }
  const word = { OBJECT_SCHEMA: 'schema', OBJECT_ROLE: 'role' }[textOf(renameType)]
  if (word) return { from: `${word} ${subname}`, to: `${word} ${newname}` }
  const from = table ?? objectKey(state, renameType, object)
  const thing = state.get(from)
  if (from === undefined || thing === undefined) return undefined
  const at = from.lastIndexOf(thing.name)
  return { from, to: `${from.slice(0, at)}${newname}${from.slice(at + thing.name.length)}` }
}

export function renameObject(state: State, node: Nodes['RenameStmt'] | Nodes['AlterObjectSchemaStmt']): Outcome {
  const rename = renameOf(state, node)
  if (rename === undefined || state.get(rename.from) === undefined) return { unknown: true }
  applyRename(state, rename)
  return {}
}

/** Calls an object by another name, wherever it is named. */
export function applyRename(state: State, rename: Rename): void {
  if ('type' in rename) renameLabel(state, rename)
  else renameThing(state, rename)
}

function renameThing(state: State, { from, to }: { from: Key; to: Key }): void {
  const thing = state.get(from)
  if (thing === undefined) return
  const moved = new Map<Key, Key>([[from, to]])
  const old = pathOf(from)
  const next = pathOf(to)
  // An index follows its constraint's name and a schema its objects' names; both are found by what they belong to.
  const isSchema = thing.kind === 'schema'
  for (const other of state.things.values()) {
    const within = isSchema
      ? 'schema' in other
        ? other.schema === thing.name
        : pathOf(other.key).startsWith(`${old}.`)
      : isOwned(state, other, from)
    if (within && other.key !== from) moved.set(other.key, movedKey(other.key, old, next))
  }
  for (const other of state.all('object')) {
    const key = moved.get(other.key) ?? other.key
    const named = other.word === 'function' ? withTypeCalled(key, thing, next) : key
    if (named === key) continue
    moved.set(other.key, named)
    for (const part of state.owned(other.key)) moved.set(part.key, movedKey(part.key, pathOf(other.key), pathOf(named)))
  }
  const things = [...state.things.values()]
  // An index is called as before, wherever its table goes.
  for (const [key, next] of moved)
    if (next !== key) {
      state.things.delete(key)
      state.log.removed.add(key)
    }
  for (const other of things) {
    const touched =
      moved.has(other.key) ||
      other.refs.some((ref) => moved.has(ref)) ||
      (other.on !== undefined && moved.has(other.on)) ||
      mentions(other, from) ||
      // PARTITION BY names its columns.
      (other.kind === 'table' && other.key === thing.on && other.tail !== '')
    if (!touched) continue
    state.put(renamedThing(other, moved, thing, { from, to }))
  }
  for (const [key, next] of moved) if (next !== key) state.log.made.add(next)
}

/** A function's key by the new name of a type that it takes, or of its schema. */
function withTypeCalled(key: Key, what: Thing, path: string): Key {
  if (!isType(what) && !/^(table|view|schema)$/.test(what.kind)) return key
  const [schema, own] = ['schema' in what ? (what.schema ?? 'public') : '', what.name]
  const [to, called] = [path.slice(0, path.indexOf('.')), path.slice(path.indexOf('.') + 1)]
  const args = argumentsOf(key).map((arg) => {
    const [base, array] = arg.endsWith('[]') ? [arg.slice(0, -2), '[]'] : [arg, '']
    if (what.kind === 'schema')
      return base.startsWith(`${typeNamed(own)}.`) ? `${typeNamed(path)}${arg.slice(typeNamed(own).length)}` : arg
    if (base === typeNamed(schema, own)) return typeNamed(to, called) + array
    return schema === 'public' && base === typeNamed(own)
      ? typeNamed(...(to === schema ? [] : [to]), called) + array
      : arg
  })
  return `${key.slice(0, key.indexOf('(') + 1)}${args.join(', ')})`
}

/** A label, and the defaults that are it, and what is compared with it. */
export function renameLabel(state: State, rename: { type: Key; from: string; to: string }): void {
  const { type: key, from, to } = rename
  const type = state.of('type', key)
  if (type === undefined) return
  state.put({ ...type, labels: type.labels.map((label) => (label === from ? to : label)) })
  const columns = new Map(
    state.all('column').flatMap((column) => (column.refs.includes(key) ? [[column.key, column.name] as const] : [])),
  )
  for (const thing of [...state.things.values()]) {
    const own = thing.refs.flatMap((ref) => columns.get(ref) ?? [])
    if (own.length === 0 && !thing.refs.includes(key)) continue
    const next = { ...thing } as Thing & Record<string, unknown>
    if (next.kind === 'column' && columns.has(next.key) && next.default !== undefined)
      next.default = labelInDefault(next.default, from, to)
    for (const field of ['text', 'definition', 'generated', 'using', 'check'] as const) {
      const held = next[field]
      if (typeof held === 'string')
        Object.assign(next, { [field]: labelInText(held, own, { ...rename, name: type.name }) })
    }
    if (JSON.stringify(next) !== JSON.stringify(thing)) state.put(next)
  }
}

function isOwned(state: State, thing: Thing, owner: Key): boolean {
  for (let on = thing.on; on !== undefined; on = state.get(on)?.on) if (on === owner) return true
  return false
}

/** The key of what belongs to an object that is renamed; an index or sequence is called as before. */
function movedKey(key: Key, old: string, next: string): Key {
  const path = key.startsWith('setting ') ? key.slice(key.lastIndexOf(` ${old}`) + 1) : pathOf(key)
  if (path !== old && !path.startsWith(`${old}.`)) return key
  return `${key.slice(0, key.length - path.length)}${next}${path.slice(old.length)}`
}

const mentions = (thing: Thing, key: Key) => thing.kind === 'constraint' && thing.target?.table === key

function renamedThing(thing: Thing, moved: Map<Key, Key>, what: Thing, { from, to }: { from: Key; to: Key }): Thing {
  const swap = (key: Key) => moved.get(key) ?? key
  const next = { ...thing, key: swap(thing.key), refs: thing.refs.map(swap) } as Thing
  if (thing.on !== undefined) next.on = swap(thing.on)
  const newName = nameIn(to, what)
  const schema =
    what.kind !== 'column' && what.kind !== 'schema' && pathOf(to).includes('.')
      ? (pathOf(to).split('.')[0] as string)
      : undefined
  if (thing.key === from) {
    next.name = newName
    if (schema !== undefined && 'schema' in next && !next.key.startsWith('constraint ')) next.schema = schema
  } else if (what.kind === 'schema' && 'schema' in next && next.schema === what.name) next.schema = newName
  if (what.kind === 'column') {
    const columnName = (one: string) => (one === what.name ? newName : one)
    const own = thing.on === what.on
    if ((next.kind === 'constraint' || next.kind === 'index') && own) next.columns = next.columns.map(columnName)
    if (next.kind === 'constraint' && next.target?.table === what.on)
      next.target = { ...next.target, columns: next.target.columns.map(columnName) }
  }
  if (next.kind === 'constraint' && next.target) next.target = { ...next.target, table: swap(next.target.table) }
  if (next.kind === 'column' && next.serial) next.serial = swap(next.serial)
  const rewrite = (text: string, field: string) =>
    inText(text, thing, what, newName, schema ?? ('schema' in what ? (what.schema ?? 'public') : 'public'), field)
  const texts = [
    'text',
    'whole',
    'tail',
    'definition',
    'default',
    'generated',
    'using',
    'check',
    'reset',
    'drop',
    'type',
    'roles',
  ] as const
  for (const field of texts) {
    const held = (next as unknown as Record<string, unknown>)[field]
    // The scanner wants something to read.
    if (typeof held === 'string' && held !== '' && !(field === 'type' && next.kind !== 'column'))
      (next as unknown as Record<string, string>)[field] = rewrite(held, field)
  }
  return next
}

function nameIn(to: Key, what: Thing): string {
  const path = pathOf(to)
  if (what.kind === 'schema' || (what.kind === 'object' && what.word === 'role')) return path
  if (what.kind === 'object' && what.word === 'function') return path.slice(path.indexOf('.') + 1, path.indexOf('('))
  // A name may hold dots; what stands in front of it does not change.
  const before = pathOf(what.key).slice(0, pathOf(what.key).length - what.name.length)
  return what.on !== undefined && what.kind !== 'index' && what.kind !== 'sequence'
    ? path.slice(before.length)
    : path.slice(path.indexOf('.') + 1)
}
