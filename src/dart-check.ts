import { dartSource, generatedMark } from './dart.ts'
import { integrationStatus, integrationType } from './schema/enums.ts'

/*
 * Reads the string constants of a Dart file. Not a parser of Dart: constants and enum entries are all that is looked for,
 * so comments, strings and braces are all that has to be understood.
 */

/** Where a Dart file says something else than the enums. */
export type DartFinding = { where: string; expected: string; found: string; remedy: string }

type List = (typeof lists)[number]
type Constant = { scope: string; name: string; value: string; line: number }
type Token = { kind: 'word' | 'string' | 'sign'; text: string; line: number }

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
  const constants = constantsOf(tokensOf(source))
  const compared = lists.flatMap((list) => compare(list, constants))
  // A constant beside labels of both enums is unknown to both.
  const findings = compared.filter(
    (one, i) => one.found === 'nothing' || compared.findIndex((other) => other.where === one.where) === i,
  )
  if (findings.length > 0 || !source.startsWith(generatedMark) || source === dartSource()) return findings
  const remedy = 'write it again with integrations-db registry --dart'
  return [{ where: 'the whole file', expected: 'what this version writes', found: 'something else', remedy }]
}

function compare({ enumName, labels, scope }: List, constants: Constant[]): DartFinding[] {
  const isOurs = (name: string) => {
    const values = constants.flatMap((constant) => (constant.scope === name ? [constant.value] : []))
    const known = values.filter(isLabel).length
    return scope.test(name) || (values.some((value) => labels.includes(value)) && known * 2 >= values.length)
  }
  const ours = constants.filter((constant) => isOurs(constant.scope))
  const misspelled = ours.filter(({ name, value }) => value !== snake(name) && labels.includes(snake(name)))
  const unknown = ours.filter((one) => !isLabel(one.value) && !misspelled.includes(one))
  const there = new Set([...ours.map(({ value }) => value), ...misspelled.map(({ name }) => snake(name))])
  return [
    ...misspelled.map((one) => ({
      where: place(one),
      expected: snake(one.name),
      found: shown(one.value),
      remedy: `give it the value '${snake(one.name)}', a label of ${enumName}`,
    })),
    ...unknown.map((one) => ({
      where: place(one),
      expected: `a label of ${enumName}`,
      found: shown(one.value),
      remedy: `remove it, or add the label to ${enumName} in a migration first`,
    })),
    ...labels
      .filter((label) => !there.has(label))
      .map((label) => ({
        where: enumName,
        expected: label,
        found: 'nothing',
        remedy: `add a constant with the value '${label}'`,
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

type Scope = { name: string; entries: boolean }
/** Of a function, a list or an object: what is constant in there is nobody's registry. */
const body: Scope = { name: '', entries: false }

/** `const … name = 'value'` in a class or outside of all, and the entries of enums: `name('value')`, `@JsonValue('value') name`, `name`. */
function constantsOf(tokens: Token[]): Constant[] {
  const constants: Constant[] = []
  const scopes: Scope[] = []
  let opening: Scope = body
  let isConst = false
  let annotated: string | undefined
  for (const [i, token] of tokens.entries()) {
    const [next, afterNext] = [tokens[i + 1], tokens[i + 2]]
    const scope = scopes.at(-1)
    if (
      token.kind === 'word' &&
      ['class', 'enum', 'mixin', 'extension'].includes(token.text) &&
      next?.kind === 'word'
    ) {
      opening = { name: next.text, entries: token.text === 'enum' }
    } else if (token.text === '{' && token.kind === 'sign') {
      scopes.push(opening)
      opening = body
    } else if (token.text === '}' && token.kind === 'sign') {
      scopes.pop()
      isConst = false
    } else if (token.text === ';' && token.kind === 'sign') {
      isConst = false
      if (scope !== undefined && scope !== body) scope.entries = false
    } else if (token.kind === 'word' && token.text === 'const') {
      isConst = true
    } else if (token.kind === 'word' && scope?.entries) {
      const previous = tokens[i - 1]
      if (previous?.text === '@' && afterNext?.kind === 'string') annotated = afterNext.text
      else if (previous !== undefined && ['{', ',', ')'].includes(previous.text)) {
        const argument = next?.text === '(' && afterNext?.kind === 'string' ? afterNext.text : undefined
        constants.push({
          scope: scope.name,
          name: token.text,
          value: argument ?? annotated ?? token.text,
          line: token.line,
        })
        annotated = undefined
      }
    } else if (
      isConst &&
      scope !== body &&
      token.kind === 'word' &&
      next?.text === '=' &&
      afterNext?.kind === 'string'
    ) {
      constants.push({ scope: scope?.name ?? '', name: token.text, value: afterNext.text, line: token.line })
    }
  }
  return constants
}

const lexeme =
  /\/\/[^\n]*|\/\*|(?<raw>r?)(?<quote>'''|"""|'|")|(?<word>[A-Za-z_$][A-Za-z0-9_$]*)|(?<number>[0-9][0-9.xXa-fA-F]*)|\s+|(?<sign>[^\s])/y

function tokensOf(source: string): Token[] {
  const tokens: Token[] = []
  let line = 1
  for (let at = 0; at < source.length; ) {
    lexeme.lastIndex = at
    const match = lexeme.exec(source)
    if (match === null) break
    const { raw, quote, word, sign } = match.groups ?? {}
    let end = lexeme.lastIndex
    if (match[0] === '/*') end = commentEnd(source, end)
    if (quote !== undefined) {
      const string = stringAt(source, end, quote, raw === 'r')
      end = string.end
      const previous = tokens.at(-1)
      // Strings side by side are one string.
      if (previous?.kind === 'string') previous.text += string.text
      else tokens.push({ kind: 'string', text: string.text, line })
    }
    if (word !== undefined) tokens.push({ kind: 'word', text: word, line })
    if (sign !== undefined) tokens.push({ kind: 'sign', text: sign, line })
    line += source.slice(at, end).split('\n').length - 1
    at = end
  }
  return tokens
}

/** Comments nest in Dart. */
function commentEnd(source: string, start: number): number {
  let depth = 1
  const marks = /\/\*|\*\//g
  marks.lastIndex = start
  for (let match = marks.exec(source); match !== null; match = marks.exec(source)) {
    depth += match[0] === '/*' ? 1 : -1
    if (depth === 0) return marks.lastIndex
  }
  return source.length
}

/** A string's text as it is written; what is interpolated stays as it stands there, and is no label. */
function stringAt(source: string, start: number, quote: string, raw: boolean): { text: string; end: number } {
  let text = ''
  for (let at = start; at < source.length; at++) {
    if (source.startsWith(quote, at)) return { text, end: at + quote.length }
    if (!raw && source.startsWith('${', at)) {
      const end = interpolationEnd(source, at + 2)
      text += source.slice(at, end)
      at = end - 1
    } else if (!raw && source[at] === '\\') {
      at += 1
      text += source[at] ?? ''
    } else text += source[at]
  }
  return { text, end: source.length }
}

function interpolationEnd(source: string, start: number): number {
  let depth = 1
  for (let at = start; at < source.length; at++) {
    const quote = /^('''|"""|'|")/.exec(source.slice(at, at + 3))?.[0]
    if (quote !== undefined) at = stringAt(source, at + quote.length, quote, source[at - 1] === 'r').end - 1
    else if (source[at] === '{') depth += 1
    else if (source[at] === '}' && --depth === 0) return at + 1
  }
  return source.length
}
