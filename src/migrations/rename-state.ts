import { literal, name } from '../util/quote.ts'
import type { Nodes } from './kinds.ts'
import { objectKey } from './objects.ts'
import type { Outcome } from './outcome.ts'
import { textOf } from './parse-tree.ts'
import { relationOf } from './references.ts'
import { type Key, partKey, pathOf, type State, type Thing } from './state.ts'
import { wordsIn } from './statements.ts'

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
      mentions(other, from)
    if (!touched) continue
    state.put(renamedThing(other, moved, thing, { from, to }))
  }
  for (const [key, next] of moved) if (next !== key) state.log.made.add(next)
}

/** A label, and the defaults that are it. */
export function renameLabel(state: State, { type: key, from, to }: { type: Key; from: string; to: string }): void {
  const type = state.of('type', key)
  if (type === undefined) return
  state.put({ ...type, labels: type.labels.map((label) => (label === from ? to : label)) })
  for (const column of state.all('column')) {
    if (!column.refs.includes(key) || column.default === undefined) continue
    const text = column.default.startsWith(literal(from))
      ? column.default.replace(literal(from), () => literal(to))
      : column.default
    if (text !== column.default) state.put({ ...column, default: text })
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
  const rewrite = (text: string) =>
    inText(text, what, newName, schema ?? ('schema' in what ? (what.schema ?? 'public') : 'public'))
  const texts = [
    'text',
    'whole',
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
    if (typeof held === 'string' && !(field === 'type' && next.kind !== 'column'))
      (next as unknown as Record<string, string>)[field] = rewrite(held)
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

const value = (word: string) => (word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word.toLowerCase())

/** The text with an object called by its new name: as identifiers, never inside literals. */
function inText(text: string, what: Thing, newName: string, schema: string): string {
  const words = wordsIn(text)
  let out = ''
  let at = 0
  for (const [i, word] of words.entries()) {
    if (word.start < at || value(word.text) !== what.name || /^['$\d]/.test(word.text)) continue
    const [before, after] = [words[i - 1]?.text ?? '', words[i + 1]?.text ?? '']
    if (what.kind === 'column') {
      if (after === '(' && !/^(by|set|,|\()$/i.test(before)) continue
      out += text.slice(at, word.start) + name(newName)
    } else if (what.kind === 'schema') {
      if (after !== '.') continue
      out += text.slice(at, word.start) + name(newName)
    } else if (what.kind === 'constraint' || what.kind === 'policy') {
      continue
    } else if (what.kind === 'object' && what.word === 'role') {
      out += text.slice(at, word.start) + name(newName)
    } else {
      const qualified = before === '.'
      const start = qualified ? (words[i - 2]?.start ?? word.start) : word.start
      const ownSchema = 'schema' in what ? (what.schema ?? 'public') : 'public'
      if (qualified && value(words[i - 2]?.text ?? '') !== ownSchema) continue
      // Bare in front of a column it needs no schema.
      const bare = (after === '.' || what.kind === 'index') && !qualified
      out +=
        text.slice(at, start) +
        (bare || (!qualified && schema === 'public') ? name(newName) : `${name(schema)}.${name(newName)}`)
    }
    at = word.end
  }
  return out + text.slice(at)
}
