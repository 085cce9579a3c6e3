import type { ColumnDef, Constraint as ConstraintNode, Node } from 'libpg-query'
import { name } from '../util/quote.ts'
import { nodesOf, strings, textOf } from './parse-tree.ts'
import { placeOf, type Statement } from './statements.ts'

/* The pieces of a column's or constraint's definition, in the words of the file: what they are made again from. */

export type ColumnPieces = {
  node: ColumnDef
  type: string
  collate: string
  notNull: boolean
  default?: { text: string; node: Node | undefined }
  generated?: { text: string; node: Node | undefined }
  identity?: { always: boolean; options: string; node: ConstraintNode }
  constraints: ConstraintPieces[]
}
export type ConstraintPieces = { node: ConstraintNode; definition: string; columns: string[] }

/** Where the element that begins at `from` ends: at its comma, or the parenthesis around it. */
export function endOf({ text, words }: Pick<Statement, 'text' | 'words'>, from: number): number {
  let depth = 0
  for (const word of words) {
    if (word.start < from) continue
    if (word.text === '(' || word.text === '[') depth++
    if (depth === 0 && (word.text === ',' || word.text === ')')) return word.start
    if (word.text === ')' || word.text === ']') depth--
  }
  return text.length
}

/** What stands there, without a comment behind it. */
function piece({ text, words }: Statement, from: number, to: number): string {
  return text.slice(from, words.findLast(({ start, end }) => start >= from && end <= to)?.end ?? to).trim()
}

export function readColumn(statement: Statement, column: ColumnDef): ColumnPieces {
  const end = endOf(statement, placeOf(statement, column.location))
  const nodes = nodesOf(column.constraints)
    .flatMap((node) => ('Constraint' in node ? [node.Constraint] : []))
    .sort((a, b) => (a.location ?? 0) - (b.location ?? 0))
  const whole = nodes.filter(({ contype }) => !/^CONSTR_ATTR/.test(textOf(contype)))
  const starts = whole.map(({ location }) => placeOf(statement, location))
  const collateAt = column.collClause ? placeOf(statement, column.collClause.location) : undefined
  const cut = (from: number, to: number | undefined) => piece(statement, from, to ?? end)
  const typeFrom = placeOf(statement, column.typeName?.location)
  const firstAfter = (from: number) => Math.min(...[...starts, collateAt ?? end, end].filter((at) => at > from))
  const pieces: ColumnPieces = {
    node: column,
    type: cut(typeFrom, firstAfter(typeFrom)),
    collate: collateAt === undefined ? '' : cut(collateAt, firstAfter(collateAt)),
    notNull: false,
    constraints: [],
  }
  for (const [i, node] of whole.entries()) {
    const text = withoutName(
      cut(
        starts[i] as number,
        starts[i + 1] ?? (collateAt !== undefined && collateAt > (starts[i] as number) ? collateAt : undefined),
      ),
    )
    const words = text.replace(/\s+/g, ' ')
    if (node.contype === 'CONSTR_NOTNULL') pieces.notNull = true
    else if (node.contype === 'CONSTR_DEFAULT')
      pieces.default = { text: text.replace(/^default\s+/i, ''), node: node.raw_expr }
    else if (node.contype === 'CONSTR_GENERATED')
      pieces.generated = { text: text.slice(text.indexOf('(')).replace(/\s*stored$/i, ''), node: node.raw_expr }
    else if (node.contype === 'CONSTR_IDENTITY')
      pieces.identity = {
        always: node.generated_when === 'a',
        options: /as identity(.*)$/i.exec(words)?.[1]?.trim() ?? '',
        node,
      }
    else if (node.contype !== 'CONSTR_NULL')
      pieces.constraints.push({
        node,
        definition: onColumn(text, node, textOf(column.colname)),
        columns: [textOf(column.colname)],
      })
  }
  return pieces
}

/** A table's constraint, as it stands in CREATE TABLE or behind ADD. */
export function readConstraint(statement: Statement, node: ConstraintNode): ConstraintPieces {
  const from = placeOf(statement, node.location)
  const definition = withoutName(piece(statement, from, endOf(statement, from)))
  const columns = strings(node.contype === 'CONSTR_FOREIGN' ? node.fk_attrs : node.keys)
  return { node, definition: definition.replace(/\s+not\s+valid\s*$/i, ''), columns }
}

function withoutName(text: string): string {
  return text.replace(/^constraint\s+(?:"(?:[^"]|"")+"|[^\s"]+)\s*/i, '')
}

/** A column's own constraint, in the form that stands behind ALTER TABLE … ADD. */
function onColumn(text: string, { contype }: ConstraintNode, column: string): string {
  if (contype === 'CONSTR_PRIMARY') return text.replace(/^primary\s+key/i, () => `PRIMARY KEY (${name(column)})`)
  if (contype === 'CONSTR_UNIQUE')
    return text.replace(/^(unique(?:\s+nulls\s+(?:not\s+)?distinct)?)/i, (words) => `${words} (${name(column)})`)
  if (contype === 'CONSTR_FOREIGN') return `FOREIGN KEY (${name(column)}) ${text}`
  return text
}

/** What a foreign key's definition says of when it is checked, and the rest of it. */
export function deferralOf(definition: string): { rest: string; when: string } {
  const said = /((\s+not)?\s+deferrable|\s+initially\s+(deferred|immediate))+\s*$/i.exec(definition)
  const when = said?.[0].trim() ?? 'NOT DEFERRABLE'
  return {
    rest: definition.slice(0, said?.index),
    when: /^initially\s+deferred$/i.test(when) ? `DEFERRABLE ${when}` : when,
  }
}
