import { literal, name } from '../util/quote.ts'
import { isType, pathOf, type Thing } from './state.ts'
import { type Word, wordsIn } from './statements.ts'

/* An object's new name in the texts of others: as identifiers, never inside literals. */

const value = (word: string) => (word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word.toLowerCase())

/** The text with an object called by its new name. */
export function inText(
  text: string,
  thing: Thing,
  what: Thing,
  newName: string,
  schema: string,
  field: string,
): string {
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
      (/^(alter|comment|grant|revoke|drop)$/.test(at(0)) && /^(type|domain)$/.test(at(i - 1)) && i < 6) ||
      /\b(function|procedure|routine|aggregate)\b/.test(
        words
          .slice(0, 5)
          .map((word) => word.text.toLowerCase())
          .join(' '),
      ) ||
      (bound.word === '(' && at(bound.at - 1) === 'cast')
    )
  if (/^(on|only|from|join|references|into|update|table|view|sequence|index|exists)$/.test(at(i - 1))) return true
  // What a table is a part of.
  if (at(0) === 'alter' && /^(partition|inherit)$/.test(at(i - 1))) return true
  if (field === 'whole' && /^(of|like)$/.test(at(i - 1))) return true
  if (field === 'tail' && bound.word === '(' && at(bound.at - 1) === 'inherits') return true
  return at(i - 1) === ',' && (bound.word === 'from' || (bound.word === 'on' && /^(grant|revoke)$/.test(at(0))))
}

/** `'a'::mood`, and `'{a,b}'::mood[]`. */
export function labelInDefault(text: string, from: string, to: string): string {
  if (text.startsWith(literal(from))) return text.replace(literal(from), () => literal(to))
  if (!/^'\{|^array\[/i.test(text)) return text
  return text.replace(/(?<=[{,'[]\s*"?)[^{},'"[\]]+(?="?\s*[},'\]])/g, (label) => (label === from ? to : label))
}

const comparison = /^(=|<>|!=|<|>|<=|>=)$/

/** The text with a label by its new name, where it is cast to its type or compared with one of the columns. */
export function labelInText(
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
