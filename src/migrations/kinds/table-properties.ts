import { name } from '../../util/quote.ts'
import { textOf } from '../parse-tree.ts'
import { ownerReset } from '../settings.ts'
import { partKey } from '../state.ts'
import { storageOptions } from '../storage-options.ts'
import { type AlterationEffect, type AlterationRows, ifThere, type Place, sets } from './alteration.ts'
import { asIs } from './forms.ts'

/* The commands of ALTER TABLE that set a property of the whole table, of a view, of an index, or of what belongs to one. */

export const tableProperties: AlterationRows = {
  AT_EnableRowSecurity: { guard: asIs, effect: onTable({ rowSecurity: true }) },
  AT_DisableRowSecurity: { guard: ifThere, effect: onTable({ rowSecurity: false }) },
  AT_ForceRowSecurity: { guard: asIs, effect: onTable({ forced: true }) },
  AT_NoForceRowSecurity: { guard: ifThere, effect: onTable({ forced: false }) },

  AT_SetRelOptions: sets(options),
  AT_ResetRelOptions: sets(options),
  AT_ReplicaIdentity: sets(({ table, head }) => ({
    on: table,
    facet: 'replica identity',
    reset: `${head} REPLICA IDENTITY DEFAULT`,
  })),
  AT_ChangeOwner: sets(({ table, text }) => ({ on: table, facet: 'owner', reset: ownerReset(text) })),
  AT_ClusterOn: sets(({ table, head }) => ({ on: table, facet: 'cluster', reset: `${head} SET WITHOUT CLUSTER` })),
  AT_DropCluster: { property: ({ table }) => ({ on: table, facet: 'cluster', reset: undefined, gone: true }) },
  AT_SetLogged: sets(({ table, head }) => ({ on: table, facet: 'logged', reset: `${head} SET UNLOGGED` })),
  AT_SetUnLogged: sets(({ table, head }) => ({ on: table, facet: 'logged', reset: `${head} SET LOGGED` })),
  AT_SetTableSpace: { guard: asIs },
  AT_SetAccessMethod: { guard: asIs },

  AT_EnableTrig: sets(fires('trigger')),
  AT_DisableTrig: sets(fires('trigger')),
  AT_EnableAlwaysTrig: sets(fires('trigger')),
  AT_EnableReplicaTrig: sets(fires('trigger')),
  AT_EnableRule: sets(fires('rule')),
  AT_DisableRule: sets(fires('rule')),
  AT_EnableAlwaysRule: { property: fires('rule') },
  AT_EnableReplicaRule: { property: fires('rule') },
  AT_EnableTrigAll: sets(fireAll('ALL')),
  AT_DisableTrigAll: sets(fireAll('ALL')),
  AT_EnableTrigUser: sets(fireAll('USER')),
  AT_DisableTrigUser: sets(fireAll('USER')),
}

function onTable(properties: { rowSecurity?: boolean; forced?: boolean }): AlterationEffect {
  return (state, key) => {
    const table = state.of('table', key)
    if (table === undefined) return { unknown: true }
    const next = { ...table, ...properties }
    if (next.rowSecurity !== table.rowSecurity || next.forced !== table.forced) state.put(next)
    return {}
  }
}

function options({ state, table, head, command }: Place) {
  return storageOptions(state, table, head, command)
}

/** Whether a trigger or a rule fires. */
function fires(kind: 'trigger' | 'rule') {
  return ({ table, head, command }: Place) => ({
    on: partKey(kind, table, textOf(command.name)),
    facet: 'enabled',
    reset: `${head} ENABLE ${kind.toUpperCase()} ${name(command.name)}`,
    gone: command.subtype === 'AT_EnableTrig' || command.subtype === 'AT_EnableRule',
  })
}

function fireAll(all: 'ALL' | 'USER') {
  return ({ table, head, command }: Place) => ({
    on: table,
    facet: `triggers ${all}`,
    reset: `${head} ENABLE TRIGGER ${all}`,
    gone: /Enable/.test(textOf(command.subtype)),
  })
}
