import type { AlterTableCmd, DropStmt, Node, RangeVar } from 'libpg-query'
import { nodesOf, strings, textOf } from './parse-tree.ts'
import { each } from './references.ts'
import type { Statement } from './statements.ts'

/*
 * What a statement needs, makes and takes away, by name. A guard looks at one statement; these tell where a second run
 * of the file would meet a name in another state than the first run did.
 */

/** `table public.t`, `column public.t.c` or `type public.e`. */
type ObjectName = string

type Effects = { needs: ObjectName[]; makes: ObjectName[]; removes: ObjectName[] }

export const tableName = (table: RangeVar | undefined): string => `${table?.schemaname || 'public'}.${table?.relname}`

/** The one command of an ALTER TABLE. */
export function commandOf(node: Node): AlterTableCmd | undefined {
  const [first] = 'AlterTableStmt' in node ? nodesOf(node.AlterTableStmt.cmds) : []
  return first && 'AlterTableCmd' in first ? first.AlterTableCmd : undefined
}

export function effectsOf({ node }: Statement): Effects {
  const none: Effects = { needs: [], makes: [], removes: [] }
  if ('CreateStmt' in node) return { ...none, makes: [`table ${tableName(node.CreateStmt.relation)}`] }
  if ('IndexStmt' in node) return { ...none, needs: [`table ${tableName(node.IndexStmt.relation)}`] }
  if ('CreatePolicyStmt' in node) return { ...none, needs: [`table ${tableName(node.CreatePolicyStmt.table)}`] }
  if ('AlterPolicyStmt' in node) return { ...none, needs: [`table ${tableName(node.AlterPolicyStmt.table)}`] }
  if ('CreateTrigStmt' in node) return { ...none, needs: [`table ${tableName(node.CreateTrigStmt.relation)}`] }
  if ('AlterTableStmt' in node && node.AlterTableStmt.objtype === 'OBJECT_TABLE') {
    const table = tableName(node.AlterTableStmt.relation)
    const command = commandOf(node)
    const column = command?.name ? [`column ${table}.${command.name}`] : []
    if (command?.subtype === 'AT_AddColumn' && command.def && 'ColumnDef' in command.def)
      return { ...none, needs: [`table ${table}`], makes: [`column ${table}.${command.def.ColumnDef.colname}`] }
    if (command?.subtype === 'AT_DropColumn') return { ...none, removes: column }
    if (command?.subtype === 'AT_DropConstraint') return none
    const named = /ValidateConstraint|Trig|Rule/.test(textOf(command?.subtype))
    return { ...none, needs: [`table ${table}`, ...(named ? [] : column)] }
  }
  if ('GrantStmt' in node || 'GrantRoleStmt' in node || 'AlterDefaultPrivilegesStmt' in node)
    return { ...none, needs: rolesNamed(node) }
  if ('DropRoleStmt' in node) return { ...none, removes: rolesNamed(node) }
  if ('RenameStmt' in node) return renameEffects(node.RenameStmt)
  if ('AlterObjectSchemaStmt' in node) {
    const { objectType, relation, object, newschema } = node.AlterObjectSchemaStmt
    const kind = kinds[textOf(objectType)]
    if (kind === undefined) return none
    const [schema, own] = placeOf(relation, object)
    return { ...none, removes: [`${kind} ${schema}.${own}`], makes: [`${kind} ${newschema}.${own}`] }
  }
  if ('DropStmt' in node && node.DropStmt.removeType === 'OBJECT_TABLE') {
    const removes = droppedNames(node.DropStmt).map(
      (parts) => `table ${parts.length > 1 ? parts.join('.') : `public.${parts[0]}`}`,
    )
    return { ...none, removes }
  }
  return none
}

const rolesNamed = (node: Node): ObjectName[] =>
  [...each(node, 'RoleSpec')].flatMap(({ rolename }) => (rolename ? [`role ${rolename}`] : []))

/** What can be renamed and moved, by the parser's word for it. */
const kinds: Record<string, string> = {
  OBJECT_TABLE: 'table',
  OBJECT_TYPE: 'type',
  OBJECT_SEQUENCE: 'sequence',
  OBJECT_VIEW: 'view',
  OBJECT_MATVIEW: 'view',
}

/** Schema and name of a relation, or of a type, which is a list of names. */
function placeOf(relation: RangeVar | undefined, object: Node | undefined): [schema: string, name: string] {
  if (relation !== undefined) return [relation.schemaname || 'public', textOf(relation.relname)]
  const parts = object && 'List' in object ? strings(object.List.items) : []
  return [parts.length > 1 ? textOf(parts[0]) : 'public', textOf(parts.at(-1))]
}

function renameEffects(rename: Extract<Node, { RenameStmt: unknown }>['RenameStmt']): Effects {
  const table = tableName(rename.relation)
  const kind = kinds[textOf(rename.renameType)]
  if (kind !== undefined) {
    const [schema, own] = placeOf(rename.relation, rename.object)
    return { needs: [], makes: [`${kind} ${schema}.${rename.newname}`], removes: [`${kind} ${schema}.${own}`] }
  }
  if (rename.renameType === 'OBJECT_COLUMN' && rename.relationType === 'OBJECT_TABLE') {
    return {
      needs: [`table ${table}`],
      makes: [`column ${table}.${rename.newname}`],
      removes: [`column ${table}.${rename.subname}`],
    }
  }
  const onTable = ['OBJECT_TABCONSTRAINT', 'OBJECT_POLICY', 'OBJECT_TRIGGER'].includes(textOf(rename.renameType))
  return { needs: onTable ? [`table ${table}`] : [], makes: [], removes: [] }
}

/** The names a DROP lists, each as its parts. */
export function droppedNames(drop: DropStmt): string[][] {
  return nodesOf(drop.objects).map((object) => {
    if ('List' in object) return strings(object.List.items)
    if ('TypeName' in object) return strings(object.TypeName.names)
    if ('String' in object) return [textOf(object.String.sval)]
    if ('ObjectWithArgs' in object) return strings(object.ObjectWithArgs.objname)
    return []
  })
}

/** How the statements of one file bear on each other when the file runs again. */
type Interplay = {
  /** Names that a later statement removes: gone on a second run. */
  goneLater: ObjectName[]
  /** Whether names pass from one object to another around this statement, so that none tells whether it has run. */
  ambiguous: boolean
  /** Whether a later statement changes the object further, so that its stated form is not the end state. */
  changedLater: (object: ObjectName) => boolean
}

export function interplay(statements: Statement[], effects: Effects[], at: number): Interplay {
  const own = effects[at] as Effects
  const later = effects.slice(at + 1).map((effects, i) => ({ statement: statements[at + 1 + i] as Statement, effects }))
  const removedLater = new Set(later.flatMap(({ effects }) => effects.removes))
  const madeLater = new Set(later.flatMap(({ effects }) => effects.makes))
  const renamedLater = new Set(later.flatMap(({ effects }) => (effects.makes.length > 0 ? effects.removes : [])))
  return {
    goneLater: own.needs.filter((object) => removedLater.has(object)),
    ambiguous:
      own.makes.some((object) => renamedLater.has(object)) || own.removes.some((object) => madeLater.has(object)),
    changedLater: (object) => {
      const column = object.replace(/^table /, 'column ')
      return later.some(({ statement, effects }) => {
        const retyped = commandOf(statement.node)?.subtype === 'AT_AlterColumnType' ? effects.needs : []
        return [...effects.removes, ...retyped].some(
          (name) => name === object || (name.startsWith('column ') && name.startsWith(`${column}.`)),
        )
      })
    },
  }
}
