import type { FunctionParameter, Node, ObjectWithArgs, RangeVar, TypeName } from 'libpg-query'
import { name } from '../util/quote.ts'
import { nodesOf, partsOf, strings, textOf } from './parse-tree.ts'
import { relationOf, typeKeyOf } from './references.ts'
import { type Key, partKey, relationKey, type State } from './state.ts'

/* How the statements that work on any kind of object name theirs. */

/** A type's name as it stands in a function's key. */
export const typeNamed = (...parts: string[]): string =>
  parts.map((one) => (/^[a-z_][a-z0-9_]*$/.test(one) ? one : name(one))).join('.')

/** The types in a function's key. */
export const argumentsOf = (key: Key): string[] =>
  key
    .slice(key.indexOf('(') + 1, -1)
    .split(', ')
    .filter(Boolean)

/** `integer`, `text[]`: a type as it stands in a function's signature. */
export function typeOf(type: TypeName | undefined): string {
  const names = strings(type?.names)
  const base = names.length > 1 && names[0] === 'pg_catalog' ? textOf(names[1]) : typeNamed(...names)
  return `${base}${nodesOf(type?.arrayBounds).length > 0 ? '[]' : ''}`
}

/** A function's name and the types of what it takes. */
export function signatureOf(
  parts: string[],
  parameters: Node[] | undefined,
): { schema: string; name: string; args: string } {
  const taken = nodesOf(parameters).flatMap((node): FunctionParameter[] =>
    'FunctionParameter' in node ? [node.FunctionParameter] : [],
  )
  const args = taken
    .filter(({ mode }) => !/^FUNC_PARAM_(OUT|TABLE)$/.test(textOf(mode)))
    .map(({ argType }) => typeOf(argType))
  return {
    schema: parts.length > 1 ? textOf(parts.at(-2)) : 'public',
    name: textOf(parts.at(-1)),
    args: args.join(', '),
  }
}

function functionKey(state: State, object: ObjectWithArgs): Key {
  const parts = strings(object.objname)
  const args = nodesOf(object.objargs).map((node) => ('TypeName' in node ? typeOf(node.TypeName) : ''))
  const { schema, name } = signatureOf(parts, [])
  const given = object.args_unspecified
    ? undefined
    : object.objfuncargs
      ? signatureOf(parts, object.objfuncargs).args
      : args.join(', ')
  const overloads = state
    .all('object')
    .filter((one) => one.word === 'function' && one.name === name && one.schema === schema)
  return (
    (given === undefined ? overloads[0] : overloads.find(({ key }) => key.endsWith(`(${given})`)))?.key ??
    `function ${schema}.${name}(${given ?? ''})`
  )
}

/** The key of an object as COMMENT, DROP, ALTER … OWNER and their like name it. */
export function objectKey(
  state: State,
  type: string | undefined,
  node: Node | undefined,
  relation?: RangeVar,
): Key | undefined {
  if (relation !== undefined) return relationOf(state, relation)
  if (node === undefined) return undefined
  if ('ObjectWithArgs' in node) return functionKey(state, node.ObjectWithArgs)
  if ('TypeName' in node) return typeKeyOf(node.TypeName)
  const parts = 'String' in node ? [textOf(node.String.sval)] : partsOf(node)
  if ('List' in node && parts.length === 0) {
    const [type] = nodesOf(node.List.items).flatMap((one) => ('TypeName' in one ? [one.TypeName] : []))
    if (type) return typeKeyOf(type)
  }
  const [own = '', owner = '', schema = 'public'] = [...parts].reverse()
  switch (type) {
    case 'OBJECT_TABLE':
    case 'OBJECT_VIEW':
    case 'OBJECT_MATVIEW':
    case 'OBJECT_SEQUENCE':
    case 'OBJECT_INDEX':
    case 'OBJECT_FOREIGN_TABLE':
      return objectOfName(type, owner || 'public', own)
    case 'OBJECT_TYPE':
    case 'OBJECT_DOMAIN':
      return relationKey('type', owner || 'public', own)
    case 'OBJECT_COLUMN':
      return partKey('column', relationOf(state, { relname: owner, schemaname: schema } as RangeVar), own)
    case 'OBJECT_TABCONSTRAINT':
    case 'OBJECT_POLICY':
    case 'OBJECT_TRIGGER':
    case 'OBJECT_RULE': {
      const kind = {
        OBJECT_TABCONSTRAINT: 'constraint',
        OBJECT_POLICY: 'policy',
        OBJECT_TRIGGER: 'trigger',
        OBJECT_RULE: 'rule',
      }[type]
      return partKey(kind, relationKey('table', schema, owner), own)
    }
    case 'OBJECT_SCHEMA':
      return `schema ${own}`
    case undefined:
      return undefined
    default: {
      const word = type.replace('OBJECT_', '').replace('_EXT', '').toLowerCase()
      return owner === '' && !/statistic/.test(word) ? `${word} ${own}` : `${word} ${owner || 'public'}.${own}`
    }
  }
}

function objectOfName(type: string, schema: string, own: string): Key {
  const kind =
    { OBJECT_VIEW: 'view', OBJECT_MATVIEW: 'view', OBJECT_SEQUENCE: 'sequence', OBJECT_INDEX: 'index' }[type] ?? 'table'
  return relationKey(kind as 'table', schema, own)
}
