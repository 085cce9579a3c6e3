import type { Node } from 'libpg-query'
import { name } from '../util/quote.ts'
import type { Nodes } from './nodes.ts'
import type { Outcome } from './outcome.ts'
import { nodesOf, strings, textOf } from './parse-tree.ts'
import { relationOf } from './references.ts'
import type { State, View } from './state.ts'
import { parseNow } from './statements.ts'

/* A view is known by its statement: a column that is called otherwise is so in its list of columns. */

/** RENAME COLUMN of a view that nothing reads: what reads it would have to be said anew. */
export function renameViewColumn(state: State, node: Nodes['RenameStmt']): Outcome {
  const [from, to] = [textOf(node.subname), textOf(node.newname)]
  const view = state.of('view', relationOf(state, node.relation))
  const isRead = (key: string) =>
    [...state.things.values()].some(
      ({ kind, on, name, refs }) => refs.includes(key) || (kind === 'setting' && on === key && name.includes('("')),
    )
  const text = view === undefined || isRead(view.key) ? undefined : called(view, from, to)
  if (view === undefined || text === undefined) return { unknown: true }
  state.put({ ...view, text })
  const comment = state.of('setting', `setting comment of ${from} of ${view.key}`)
  if (comment !== undefined) {
    const said = (sql: string) => sql.replace(/("(?:[^"]|"")+"|[\w$]+)(?=\s+is\s)/i, () => name(to))
    state.remove(comment.key)
    const renamed = { name: `comment of ${to}`, key: `setting comment of ${to} of ${view.key}` }
    state.put({
      ...comment,
      ...renamed,
      text: said(comment.text),
      ...(comment.reset ? { reset: said(comment.reset) } : {}),
    })
  }
  return {}
}

/** A view's statement with one of its columns called otherwise; undefined where not all of them have a name there. */
function called({ text }: View, from: string, to: string): string | undefined {
  const [statement] = parseNow([text], 'view')
  if (statement === undefined) return undefined
  const { node, words } = statement
  const made = 'ViewStmt' in node ? node.ViewStmt : undefined
  const kept = 'CreateTableAsStmt' in node ? node.CreateTableAsStmt : undefined
  const stated = strings(made?.aliases ?? kept?.into?.colNames)
  const names = stated.length > 0 ? stated : columnsOf(made?.query ?? kept?.query)
  if (names === undefined || !names.includes(from)) return undefined
  let last = words.findIndex((word) => /^view$/i.test(word.text)) + 1
  while (words[last + 1]?.text === '.') last += 2
  const close = stated.length > 0 ? words.find((word, i) => i > last && word.text === ')') : words[last]
  const list = names.map((one) => name(one === from ? to : one)).join(', ')
  return `${text.slice(0, words[last]?.end)} (${list})${text.slice(close?.end)}`
}

/** What a query calls its columns. */
function columnsOf(query: Node | undefined): string[] | undefined {
  const select = query && 'SelectStmt' in query ? query.SelectStmt : undefined
  if (select?.larg !== undefined) return columnsOf({ SelectStmt: select.larg })
  const names = nodesOf(select?.targetList).map((one) => {
    if (!('ResTarget' in one)) return undefined
    const { name: alias, val } = one.ResTarget
    if (alias) return alias
    const last = val && 'ColumnRef' in val ? nodesOf(val.ColumnRef.fields).at(-1) : undefined
    return last && 'String' in last ? last.String.sval : undefined
  })
  return names.includes(undefined) ? undefined : (names as string[])
}
