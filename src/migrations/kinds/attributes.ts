import { name } from '../../util/quote.ts'
import { pathOf } from '../state.ts'
import type { AlterationRows, Place } from './alteration.ts'

/* The commands of ALTER TYPE: the attributes of a composite type. */

const typeOf = ({ table }: Place) => `type ${pathOf(table)}`

export const attributes: AlterationRows = {
  AT_AddColumn: {
    property: (place) => {
      const { def } = place.command
      if (def === undefined || !('ColumnDef' in def)) return undefined
      const called = def.ColumnDef.colname
      return { on: typeOf(place), facet: `attribute ${called}`, reset: `${place.head} DROP ATTRIBUTE ${name(called)}` }
    },
  },
  AT_DropColumn: {
    property: (place) => ({
      on: typeOf(place),
      facet: `attribute ${place.command.name}`,
      reset: undefined,
      gone: true,
    }),
  },
}
