import { integrationStatus, integrationType } from '../schema/enums.ts'
import { dartSource, generatedMark } from './dart.ts'
import { type Constant, dartConstants } from './dart-constants.ts'

/** Where a Dart file says something else than the enums. */
export type DartFinding = { where: string; expected: string; found: string; hint: string }

type List = (typeof lists)[number]

const lists = [
  {
    enumName: integrationType.enumName,
    labels: integrationType.enumValues as readonly string[],
    scope: /integration_?types?$|systems?$/i,
  },
  {
    enumName: integrationStatus.enumName,
    labels: integrationStatus.enumValues as readonly string[],
    scope: /integration_?status(es)?$/i,
  },
]

/**
 * What a Dart registry's constants have otherwise than the enums: labels that are missing, spelled otherwise, or unknown.
 *
 * @example
 * dartFindings("class IntegrationTypes { static const dynamics = 'Dynamics'; }")
 * // [{ where: 'line 1, IntegrationTypes.dynamics', expected: 'dynamics', found: 'Dynamics', … }, …]
 *
 * A class, an enum or the top level counts as the list of an enum where its name says so, or where half of its constants
 * are labels. A file that this package wrote must be what it would write now.
 */
export function dartFindings(source: string): DartFinding[] {
  const constants = dartConstants(source, isLabel)
  const compared = lists.flatMap((list) => compare(list, constants))
  // A constant beside labels of both enums is unknown to both.
  const findings = compared.filter(
    (one, i) => one.found === 'nothing' || compared.findIndex((other) => other.where === one.where) === i,
  )
  const asWritten = source.replaceAll('\r\n', '\n') === dartSource()
  if (findings.length > 0 || !source.startsWith(generatedMark) || asWritten) return findings
  const hint = 'write it again with integrations-db registry --dart'
  return [{ where: 'the whole file', expected: 'what this version writes', found: 'something else', hint }]
}

function compare({ enumName, labels, scope }: List, constants: Constant[]): DartFinding[] {
  const isOurs = (name: string) => {
    const values = constants.flatMap((constant) => (constant.scope === name ? [constant.value] : []))
    const known = values.filter(isLabel).length
    return scope.test(name) || (values.some((value) => labels.includes(value)) && known * 2 >= values.length)
  }
  const scopes = new Set([...new Set(constants.map(({ scope }) => scope))].filter(isOurs))
  const ours = constants.filter(({ scope }) => scopes.has(scope))
  const misspelled = ours.filter(({ name, value }) => value !== snake(name) && labels.includes(snake(name)))
  const unknown = ours.filter((one) => !isLabel(one.value) && !misspelled.includes(one))
  const there = new Set([...ours.map(({ value }) => value), ...misspelled.map(({ name }) => snake(name))])
  return [
    ...misspelled.map((one) => ({
      where: place(one),
      expected: snake(one.name),
      found: shown(one.value),
      hint: `give it the value '${snake(one.name)}', a label of ${enumName}`,
    })),
    ...unknown.map((one) => ({
      where: place(one),
      expected: `a label of ${enumName}`,
      found: shown(one.value),
      hint: `remove it, or add the label to ${enumName} in a migration first`,
    })),
    ...labels
      .filter((label) => !there.has(label))
      .map((label) => ({
        where: enumName,
        expected: label,
        found: 'nothing',
        hint: `add a constant with the value '${label}'`,
      })),
  ]
}

const isLabel = (value: string) => lists.some(({ labels }) => labels.includes(value))

/** A label, or nearly one: anything else in a Dart file may be a credential. */
const shown = (value: string) => (/^[a-z_]{1,40}$/i.test(value) ? value : '(a text that is not printed here)')

const place = ({ scope, name, line }: Constant) => `line ${line}, ${scope === '' ? name : `${scope}.${name}`}`

function snake(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase()
}
