import type { DefElem, Node } from 'libpg-query'
import { block } from '../util/quote.ts'
import { nodesOf, strings, textOf } from './parse-tree.ts'
import type { Statement } from './statements.ts'

/* The options of sequences and identity columns: as the parser reads them, and as CREATE and ALTER take them. */

export const serials: Record<string, string> = { smallserial: 'smallint', serial: 'integer', bigserial: 'bigint' }

/** What a list of options holds. */
export const optionsOf = (nodes: Node[] | undefined): DefElem[] =>
  nodesOf(nodes).flatMap((one) => ('DefElem' in one ? [one.DefElem] : []))

/** The options of a sequence, by the parser's names for them; what is given as NO is given as `''`. */
export function sequenceOptions(options: DefElem[]): Record<string, string> {
  return Object.fromEntries(
    options.flatMap(({ defname, arg }): [string, string][] => {
      const option = textOf(defname)
      if (!/^(as|increment|minvalue|maxvalue|start|cache|cycle)$/.test(option)) return []
      if (arg === undefined) return [[option, '']]
      if ('Boolean' in arg) return [[option, arg.Boolean.boolval ? 'CYCLE' : '']]
      if ('TypeName' in arg) return [[option, textOf(strings(arg.TypeName.names).at(-1))]]
      if ('Integer' in arg) return [[option, String(arg.Integer.ival ?? 0)]]
      return 'Float' in arg ? [[option, textOf(arg.Float.fval)]] : []
    }),
  )
}

const optionWords: Record<string, string> = {
  increment: 'INCREMENT BY',
  minvalue: 'MINVALUE',
  maxvalue: 'MAXVALUE',
  start: 'START WITH',
  cache: 'CACHE',
}

/** Options as CREATE and ALTER take them; drizzle-kit pull rounds the greatest bigint up. */
export function optionsText(options: Record<string, string>, prefix = ''): string {
  const most = 9223372036854775807n
  const words = Object.entries(optionWords).flatMap(([option, word]) => {
    const value = options[option]
    if (value === undefined) return []
    if (value === '') return option === 'minvalue' || option === 'maxvalue' ? [`${prefix}NO ${word}`] : []
    return [`${prefix}${word} ${/^\d+$/.test(value) && BigInt(value) > most ? most : value}`]
  })
  return [
    ...words,
    ...(options.cycle === undefined ? [] : [`${prefix}${options.cycle === '' ? 'NO ' : ''}CYCLE`]),
  ].join(' ')
}

export function identityOptions(options: Record<string, string>): string {
  const sequence = options.name ? `SEQUENCE NAME ${options.name} ` : ''
  const text = `${sequence}${optionsText(options)}`.trim()
  return text === '' ? '' : `(${text})`
}

/** The options of an identity column, read back from how they were written. */
export function optionsIn(text: string): Record<string, string> {
  const found: Record<string, string> = {}
  const one = (option: string, pattern: RegExp) => {
    const value = pattern.exec(text)?.[1]
    if (value !== undefined) found[option] = value
  }
  one('name', /sequence name ((?:(?:"(?:[^"]|"")+"|[\w$]+)\.?)+)/i)
  one('increment', /increment(?: by)? (-?\d+)/i)
  one('minvalue', /(?<!no )minvalue (-?\d+)/i)
  one('maxvalue', /(?<!no )maxvalue (-?\d+)/i)
  one('start', /start(?: with)? (-?\d+)/i)
  one('cache', /cache (\d+)/i)
  if (/(?<!no )cycle/i.test(text)) found.cycle = 'CYCLE'
  return found
}

/** A rollback gives a sequence limits that its numbers may have left since: it starts anew then. */
export function orAnew({ text, origin }: Statement): string {
  if (!origin.startsWith('rollback of ') || !/\b(min|max)value\b/i.test(text)) return text
  return block(`\
  ${text};
exception when invalid_parameter_value then
  ${text} RESTART;`)
}
