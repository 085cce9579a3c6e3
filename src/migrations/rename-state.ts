import { literal, name } from '../util/quote.ts'
import type { Nodes } from './nodes.ts'
import { argumentsOf, objectKey, typeNamed } from './objects.ts'
import type { Outcome } from './outcome.ts'
import { textOf } from './parse-tree.ts'
import { relationOf } from './references.ts'
import { isType, type Key, partKey, pathOf, type State, type Thing } from './state.ts'
import { type Word, wordsIn } from './statements.ts'

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
      mentions(other, from)
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

/** `'a'::mood`, and `'{a,b}'::mood[]`. */
function labelInDefault(text: string, from: string, to: string): string {
  if (text.startsWith(literal(from))) return text.replace(literal(from), () => literal(to))
  if (!/^'\{|^array\[/i.test(text)) return text
  return text.replace(/(?<=[{,'[]\s*"?)[^{},'"[\]]+(?="?\s*[},'\]])/g, (label) => (label === from ? to : label))
}

const comparison = /^(=|<>|!=|<|>|<=|>=)$/

/** The text with a label by its new name, where it is cast to its type or compared with one of the columns. */
function labelInText(
  text: string,
  columns: string[],
  { from, to, name: type }: { from: string; to: string; name: string },
): string {
  const words = wordsIn(text)
  const at = (i: number) => words[i]?.text ?? ''
  const isColumn = (i: number) => columns.includes(value(at(i)))
  const isLabel = (i: number): boolean => {
    if (at(i + 1) === '::') return value(at(at(i + 3) === '.' ? i + 4 : i + 2)) === type
    if (comparison.test(at(i - 1))) return isColumn(i - 2)
    if (comparison.test(at(i + 1))) return isColumn(at(i + 3) === '.' ? i + 4 : i + 2)
    let open = i - 1
    while (open > 0 && /^[',]|^e'/i.test(at(open))) open--
    const before = at(open - 1).toLowerCase()
    return at(open) === '(' && before === 'in' && isColumn(/^not$/i.test(at(open - 2)) ? open - 3 : open - 2)
  }
  let out = ''
  let end = 0
  for (const [i, word] of words.entries()) {
    if (word.text !== literal(from) || !isLabel(i)) continue
    out += text.slice(end, word.start) + literal(to)
    end = word.end
  }
  return out + text.slice(end)
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

const value = (word: string) => (word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word.toLowerCase())

/** The text with an object called by its new name: as identifiers, never inside literals. */
function inText(text: string, thing: Thing, what: Thing, newName: string, schema: string, field: string): string {
  const words = wordsIn(text)
  let out = ''
  let at = 0
  for (const [i, word] of words.entries()) {
    if (word.start < at || value(word.text) !== what.name || /^['$\d]/.test(word.text)) continue
    const [before, after] = [words[i - 1]?.text ?? '', words[i + 1]?.text ?? '']
    if (what.kind === 'column') {
      if (isElsewhere(words, i, thing, what)) continue
      if (after === '(' && !/^(by|set|,|\()$/i.test(before)) continue
      // What a view shows is called as before.
      if (thing.kind === 'view' && /^as$/i.test(before)) continue
      const isShown = thing.kind === 'view' && /^(,|from)$/i.test(after) && boundOf(words, i).word === 'select'
      out += text.slice(at, word.start) + name(newName) + (isShown ? ` AS ${name(what.name)}` : '')
      const alias = words[i + 2]
      if (thing.kind === 'view' && /^as$/i.test(after) && alias && value(alias.text) === newName) {
        at = alias.end
        continue
      }
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
      // A column may be called as its table or its type is.
      if (!qualified && after !== '.' && !isNamedAt(words, i, what, field)) continue
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

/** Whether a column's name there is that of a column of another table. */
function isElsewhere(words: Word[], i: number, thing: Thing, what: Thing): boolean {
  const at = (j: number) => (words[j]?.text ?? '').toLowerCase()
  if (thing.kind === 'constraint' && thing.target) {
    const references = words.findIndex((word) => /^references$/i.test(word.text))
    return (i < references ? thing.on : thing.target.table) !== what.on
  }
  const table = pathOf(what.on ?? '').slice(pathOf(what.on ?? '').indexOf('.') + 1)
  const owner = at(i - 1) === '.' ? value(words[i - 2]?.text ?? '') : table
  if (owner === table) return false
  const isSource = (j: number) => /^(from|join|only|update|into|using|,|\.)$/.test(at(j - 1))
  return words.some(({ text }, j) => {
    if (value(text) !== owner || at(j + 1) === '.') return false
    const named = at(j - 1) === 'as' ? j - 2 : j - 1
    // What a query in parentheses gives is called as before.
    if (isSource(j) || at(named) === ')' || (at(j + 1) === 'as' && at(j + 2) === '(')) return true
    return isSource(named) && value(words[named]?.text ?? '') !== table
  })
}

/** The word that says what a word is part of: FROM, SELECT, an opening parenthesis. */
function boundOf(words: Word[], i: number): { at: number; word: string } {
  const at = (j: number) => (words[j]?.text ?? '').toLowerCase()
  let [open, depth] = [i - 1, 0]
  const isBound = () => depth === 0 && /^(\(|from|table|on|select|where|by|key)$/.test(at(open))
  for (; open >= 0 && !isBound(); open--) depth += at(open) === ')' ? 1 : at(open) === '(' ? -1 : 0
  return { at: open, word: at(open) }
}

/** Whether a bare word stands where a relation or a type is named, and not a column. */
function isNamedAt(words: Word[], i: number, what: Thing, field: string): boolean {
  const at = (j: number) => (words[j]?.text ?? '').toLowerCase()
  const namesType = isType(what)
  if (!namesType && !/^(table|view|sequence|index)$/.test(what.kind)) return true
  const bound = boundOf(words, i)
  if (namesType)
    return (
      field === 'type' ||
      field === 'whole' ||
      at(i - 1) === '::' ||
      /\b(function|procedure|routine|aggregate)\b/.test(
        words
          .slice(0, 5)
          .map((word) => word.text.toLowerCase())
          .join(' '),
      ) ||
      (bound.word === '(' && at(bound.at - 1) === 'cast')
    )
  if (/^(on|only|from|join|references|into|update|table|view|sequence|index|exists)$/.test(at(i - 1))) return true
  return at(i - 1) === ',' && (bound.word === 'from' || (bound.word === 'on' && /^(grant|revoke)$/.test(at(0))))
}
