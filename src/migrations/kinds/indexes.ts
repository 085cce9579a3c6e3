import type { IndexStmt } from 'libpg-query'
import { block, literal, name } from '../../util/quote.ts'
import { implicitName } from '../names.ts'
import { nodesOf, strings, tableName, textOf } from '../parse-tree.ts'
import { placeOfTable, referencesOf, relationOf } from '../references.ts'
import { setting } from '../settings.ts'
import { partKey, relationKey } from '../state.ts'
import { insertAfter, parseNow } from '../statements.ts'
import { asIs, ifNotExists } from './forms.ts'
import { known, plain } from './known.ts'
import type { Guard, Rows } from './row.ts'

/* Indexes and statistics. */

export const indexes: Rows = {
  IndexStmt: {
    guard: guardIndex,
    effect: (state, statement, node) => {
      const on = relationOf(state, node.relation)
      const [schema] = placeOfTable(node.relation)
      const elements = nodesOf(node.indexParams).flatMap((one) => ('IndexElem' in one ? [one.IndexElem] : []))
      const named = elements.map(
        (one) =>
          one.name ??
          (one.expr && 'FuncCall' in one.expr ? textOf(strings(one.expr.FuncCall.funcname).at(-1)) : 'expr'),
      )
      const called =
        node.idxname ??
        implicitName(textOf(node.relation?.relname), named, 'idx', (one) => state.relation(schema, one) !== undefined)
      const key = relationKey('index', schema, called)
      if (state.get(key)) return {}
      const included = nodesOf(node.indexIncludingParams).flatMap((one) =>
        'IndexElem' in one && one.IndexElem.name ? [one.IndexElem.name] : [],
      )
      const columns = elements.flatMap((one) => (one.name ? [one.name] : []))
      const expressions = [...elements.map(({ expr }) => expr), node.whereClause].filter((one) => one !== undefined)
      const text = plain(statement.text)
      state.put({
        kind: 'index',
        key,
        schema,
        name: called,
        on,
        // By its name, which would be another one when its table is called otherwise.
        text: node.idxname
          ? text
          : text.replace(/^(create\s+(?:unique\s+)?index\s+)/i, `$1${name(called).replaceAll('$', '$$$$')} `),
        unique: node.unique === true,
        columns,
        plain:
          expressions.length === 0 &&
          (node.accessMethod ?? 'btree') === 'btree' &&
          elements.every(({ opclass }) => nodesOf(opclass).length === 0),
        refs: [
          ...new Set([
            ...[...columns, ...included].map((one) => partKey('column', on, one)),
            ...referencesOf(state, expressions, on),
          ]),
        ],
      })
      return {}
    },
    names: ({ relation }) => ({ needs: [`table ${tableName(relation)}`] }),
  },
  CreateStatsStmt: {
    guard: ifNotExists('statistics'),
    effect: known(({ defnames, relations, exprs }, state) => {
      const [called = '', schema = 'public'] = strings(defnames).reverse()
      const [first] = nodesOf(relations)
      const on = first && 'RangeVar' in first ? relationOf(state, first.RangeVar) : undefined
      return {
        word: 'statistics',
        key: `statistic ${schema}.${called}`,
        name: called,
        schema,
        drop: `DROP STATISTICS ${name(schema)}.${name(called)}`,
        ...(on ? { on } : {}),
        refs: [
          ...referencesOf(state, exprs, on),
          ...nodesOf(exprs).flatMap((one) =>
            on && 'StatsElem' in one && one.StatsElem.name ? [partKey('column', on, one.StatsElem.name)] : [],
          ),
        ],
      }
    }),
  },
  AlterStatsStmt: {
    guard: asIs,
    effect: setting((_state, node) => {
      const parts = strings(node.defnames)
      const [own, schema = 'public'] = [...parts].reverse()
      const reset = `ALTER STATISTICS ${parts.map(name).join('.')} SET STATISTICS -1`
      return { on: `statistic ${schema}.${own}`, facet: 'statistics', reset }
    }),
  },
}

function guardIndex(...[statement, node, around]: Parameters<Guard<IndexStmt>>): string {
  const { made } = around
  if (!node.idxname) {
    const called = made?.name
    const words = statement.words.findIndex(({ text }) => /^on$/i.test(text))
    const at = statement.words[words]?.start ?? 0
    const text = `${statement.text.slice(0, at)}${name(called)} ${statement.text.slice(at)}`
    const [named] = parseNow([text], statement.origin)
    return named && 'IndexStmt' in named.node ? guardIndex(named, named.node.IndexStmt, around) : text
  }
  const create = insertAfter(statement, node.concurrent ? 'concurrently' : 'index', 'IF NOT EXISTS')
  if (!node.concurrent) return create
  // A build that was interrupted leaves an invalid index behind, which IF NOT EXISTS would take for the real one.
  const at = node.relation?.schemaname ? `${name(node.relation.schemaname)}.${name(node.idxname)}` : name(node.idxname)
  const dropInvalid = block(`\
  if exists (select from pg_index where indexrelid = to_regclass(${literal(at)}) and not indisvalid) then
    DROP INDEX ${at};
  end if;`)
  return `${dropInvalid}\n${create}`
}
