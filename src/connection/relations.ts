/*
 * Which tables a statement's text names, so that the server can be asked about them before it runs. No parser: a name is
 * what stands where a table may stand. Rather one too many, which no table is called, than one too few.
 */

/** A table's name as the text has it: unquoted parts in lower case. */
export type RelationName = { schema: string | null; name: string }

type Token = { kind: 'word' | 'quoted' | 'sign' | 'value'; text: string }

const pieces =
  /--[^\n]*|\/\*|(e?'(?:[^'\\]|''|\\[\s\S])*'|'(?:[^']|'')*')|"((?:[^"]|"")*)"|(\$[A-Za-z_]*\$)|(\$?\d[\w.]*)|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|(\S)/giy

/** Words, quoted names and signs; texts, numbers and parameters are values. */
export function tokens(text: string): Token[] {
  const found: Token[] = []
  for (let at = 0; at < text.length; ) {
    pieces.lastIndex = at
    const match = pieces.exec(text)
    if (match === null) {
      at++ // White space.
      continue
    }
    const [all, literal, quoted, dollar, number, word, sign] = match
    at = pieces.lastIndex
    if (all === '/*') at = commentEnd(text, at)
    else if (dollar !== undefined) {
      const end = text.indexOf(dollar, at)
      at = end < 0 ? text.length : end + dollar.length
      found.push({ kind: 'value', text: '' })
    } else if (quoted !== undefined) found.push({ kind: 'quoted', text: quoted.replaceAll('""', '"') })
    else if (literal !== undefined || number !== undefined) found.push({ kind: 'value', text: '' })
    else if (word !== undefined) found.push({ kind: 'word', text: word.toLowerCase() })
    else if (sign !== undefined) found.push({ kind: 'sign', text: sign })
  }
  return found
}

/** Comments nest. */
function commentEnd(text: string, from: number): number {
  let depth = 1
  for (let at = from; at < text.length; at++) {
    if (text.startsWith('/*', at)) depth++
    else if (text.startsWith('*/', at) && --depth === 0) return at + 2
    else continue
    at++
  }
  return text.length
}

/** What stands between two brackets: whether it is a list of tables, and whether one is due next. */
type Frame = {
  inList: boolean
  due: boolean
  isCall: boolean
  isStatement: boolean
  /** Whether its first word was WITH, and no other beginning has come since. */
  inWith?: boolean
  begun?: boolean
  /** Whether what comes next is written to, which no CTE can be. */
  isTarget?: boolean
  /** Whose definition this is, and those that are defined, for all that stands deeper. */
  cte?: string | undefined
  ctes: string[]
}

const beginnings = ['select', 'insert', 'update', 'delete', 'merge', 'with', 'values', 'table']
const openings = ['from', 'join', 'using', 'into', 'update', 'table']
const endings =
  'where group having order limit offset fetch window union except intersect set values returning select when for do'.split(
    ' ',
  )
/** Between an opening and its table. */
const passed = ['only', 'lateral']

/** The tables that a statement names: in FROM and JOIN, in INSERT, UPDATE, DELETE and MERGE, in subqueries and CTEs. */
export function relationsIn(text: string): RelationName[] {
  const all = tokens(text)
  const found: RelationName[] = []
  const stack: Frame[] = [{ inList: false, due: false, isCall: false, isStatement: true, ctes: [] }]
  for (let i = 0; i < all.length; i++) {
    const frame = stack.at(-1) as Frame
    const { kind, text: word } = all[i] as Token
    const before = all[i - 1]
    if (kind === 'sign') {
      bracketOrComma(word, frame, stack, before, frame.inWith && word === '(' ? cteAt(all, i) : undefined)
    } else if (kind === 'word' && beginnings.includes(word) && !(word === 'update' && isLock(before))) {
      const inWith = word === 'with' && !frame.begun
      Object.assign(frame, { isStatement: true, inList: false, due: false, inWith, begun: true })
      if (openings.includes(word)) Object.assign(frame, { inList: true, due: true, isTarget: true })
    } else if (kind === 'word' && openings.includes(word)) {
      const isPart = word === 'from' && ((frame.isCall && !frame.isStatement) || before?.text === 'distinct')
      const isTarget = ['into', 'table'].includes(word) || before?.text === 'delete'
      if (!isPart && word !== 'update') Object.assign(frame, { inList: true, due: true, isTarget })
    } else if (kind === 'word' && endings.includes(word)) {
      Object.assign(frame, { inList: false, due: false })
    } else if (frame.due && kind !== 'value' && !(kind === 'word' && passed.includes(word))) {
      const parts = [word]
      for (; all[i + 1]?.text === '.' && all[i + 2] !== undefined; i += 2) parts.push((all[i + 2] as Token).text)
      frame.due = false
      const isFunction = all[i + 1]?.text === '(' && before?.text !== 'into'
      const name = parts.at(-1) as string
      const isCte = parts.length === 1 && !frame.isTarget && stack.some(({ ctes }) => ctes.includes(name))
      if (!isFunction && !isCte) found.push({ schema: parts.at(-2) ?? null, name })
    }
  }
  return [...new Map(found.map((one) => [nameOf(one), one])).values()]
}

/** `for update`, `for no key update`, `on conflict … do update`. */
function isLock(before: Token | undefined): boolean {
  return before?.kind === 'word' && ['for', 'key', 'do', 'then'].includes(before.text)
}

function bracketOrComma(sign: string, frame: Frame, stack: Frame[], before: Token | undefined, cte?: string): void {
  if (sign === ',') frame.due = frame.inList
  if (sign === ')' && stack.length > 1) {
    stack.pop()
    // From here on: in its own definition, and before it, the name is a table's.
    if (frame.cte !== undefined) stack.at(-1)?.ctes.push(frame.cte)
  }
  if (sign !== '(') return
  // The columns of JOIN … USING are none.
  const due = frame.due && before?.text !== 'using'
  frame.due = false
  const isCall =
    before !== undefined && ['word', 'quoted'].includes(before.kind) && !beforeQueries.includes(before.text)
  const isTarget = due && frame.isTarget === true
  stack.push({ inList: due, due, isCall: isCall && !due, isStatement: false, isTarget, cte, ctes: [] })
}

/** Of `name [(columns)] as [[not] materialized] (`, the name. */
function cteAt(all: readonly Token[], bracket: number): string | undefined {
  let at = bracket - 1
  if (all[at]?.text === 'materialized') at -= all[at - 1]?.text === 'not' ? 2 : 1
  if (all[at]?.kind !== 'word' || all[at]?.text !== 'as') return undefined
  at--
  if (all[at]?.text === ')') while (at > 0 && all[at]?.text !== '(') at--
  if (all[at]?.text === '(') at--
  const isFirst = ['with', 'recursive', ','].includes(all[at - 1]?.text ?? '')
  return isFirst && ['word', 'quoted'].includes(all[at]?.kind ?? '') ? all[at]?.text : undefined
}

const beforeQueries = ['from', 'join', 'using', 'in', 'exists', 'as', 'any', 'all', 'some', 'materialized', 'lateral']

/** A name as a statement would write it, to know it by. */
export function nameOf({ schema, name }: RelationName): string {
  return schema === null ? name : `${schema}.${name}`
}
