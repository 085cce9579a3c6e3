import { literal, name, relation } from '../../util/quote.ts'
import { nodesOf, textOf } from '../parse-tree.ts'
import { relationOf } from '../references.ts'
import { setting } from '../settings.ts'
import { insertAfter } from '../statements.ts'
import { anEnd, ifNotExists, orReplace, unless } from './forms.ts'
import { known } from './known.ts'
import type { Rows } from './row.ts'

/* Schemas, extensions, publications, and what projects rarely have. */

export const others: Rows = {
  CreateSchemaStmt: {
    guard: ifNotExists('schema'),
    effect: (state, _statement, node) => {
      const called = textOf(node.schemaname)
      if (state.get(`schema ${called}`) === undefined)
        state.put({ kind: 'schema', key: `schema ${called}`, name: called, refs: [] })
      return {}
    },
  },
  CreateExtensionStmt: {
    guard: ifNotExists('extension'),
    effect: known(({ extname, options }) => {
      const refs = nodesOf(options).flatMap((one) =>
        'DefElem' in one && one.DefElem.defname === 'schema' && one.DefElem.arg && 'String' in one.DefElem.arg
          ? [`schema ${one.DefElem.arg.String.sval}`]
          : [],
      )
      return { word: 'extension', name: textOf(extname), refs }
    }),
  },
  CreatePublicationStmt: {
    guard: ({ text }, node) =>
      unless(text, `exists (select from pg_publication where pubname = ${literal(node.pubname)})`),
    effect: known(({ pubname }) => ({ word: 'publication', name: textOf(pubname) })),
  },
  AlterPublicationStmt: {
    effect: setting((state, node) => {
      const { pubname, pubobjects, action } = node
      const [only, ...others] = nodesOf(pubobjects).flatMap((one) =>
        'PublicationObjSpec' in one && one.PublicationObjSpec.pubtable?.relation
          ? [one.PublicationObjSpec.pubtable]
          : [],
      )
      if (only === undefined || others.length > 0 || !/^AP_(Add|Drop)Objects$/.test(textOf(action))) return undefined
      return {
        on: relationOf(state, only.relation),
        facet: `publication ${pubname}`,
        reset: `ALTER PUBLICATION ${name(pubname)} DROP TABLE ${relation(only.relation)}`,
        gone: action === 'AP_DropObjects',
      }
    }),
  },
  CreatePLangStmt: { guard: orReplace },
  CreateTransformStmt: { guard: orReplace },
  CreateFdwStmt: {
    guard: ({ text }, node) =>
      unless(text, `exists (select from pg_foreign_data_wrapper where fdwname = ${literal(node.fdwname)})`),
    effect: known(({ fdwname }) => ({
      word: 'foreign_data_wrapper',
      key: `fdw ${fdwname}`,
      name: textOf(fdwname),
    })),
  },
  CreateForeignServerStmt: {
    guard: ifNotExists('server'),
    effect: known(({ servername, fdwname }) => ({
      word: 'server',
      key: `foreign_server ${servername}`,
      name: textOf(servername),
      refs: [`fdw ${fdwname}`],
    })),
  },
  CreateForeignTableStmt: { guard: ifNotExists('table') },
  CreateUserMappingStmt: { guard: ifNotExists('mapping') },
  DropUserMappingStmt: { guard: (statement) => insertAfter(statement, 'mapping', 'IF EXISTS') },
  AlterExtensionStmt: anEnd,
  AlterEventTrigStmt: anEnd,
  AlterTypeStmt: anEnd,
  AlterOperatorStmt: anEnd,
  AlterCollationStmt: anEnd,
  AlterDatabaseStmt: anEnd,
  AlterDatabaseSetStmt: anEnd,
  AlterTSDictionaryStmt: anEnd,
}
