import { integrationStatus, integrationType } from '../schema/enums.ts'
import { dartSource, generatedMark } from './dart.ts'

/*
 * Reads the string constants of a Dart file. Not a parser of Dart: constants and enum entries are all that is looked for,
 * so comments, strings and braces are all that has to be understood.
 */

/** Where a Dart file says something else than the enums. */
export type DartFinding = { where: string; expected: string; found: string; hint: string }

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
  const ours = constants.filter((constant) => isOurs(constant.scope))
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

type Scope = { name: string; entries: boolean }
/** Of a function, a list or an object: what is constant in there is nobody's registry. */
const body: Scope = { name: '', entries: false }

/**
 * In a class or outside of all: `const … name = 'value'`, `= Type('value')` and `= ['value', …]`, `final` too. The entries
 * of enums: `name('value')`, `name(value: 'value', …)`, `@JsonValue('value') name`, `name`.
 */
function constantsOf(tokens: Token[]): Constant[] {
  const constants: Constant[] = []
  const scopes: Scope[] = []
  let opening: Scope = body
  let isConst = false
  let annotated: string | undefined
  let read = 0
  for (const [i, token] of tokens.entries()) {
    if (i < read) continue
    const next = tokens[i + 1]
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
    } else if (token.kind === 'word' && ['const', 'final'].includes(token.text)) {
      // A field of an object is no constant.
      isConst = token.text === 'const' || scope === undefined || tokens[i - 1]?.text === 'static'
    } else if (token.kind === 'word' && scope?.entries) {
      const previous = tokens[i - 1]
      const end = next?.text === '(' ? closing(tokens, i + 1) : i
      const value = textIn(tokens.slice(i, end))
      if (previous?.text === '@') annotated = value
      else if (previous !== undefined && ['{', ',', ')'].includes(previous.text)) {
        constants.push({
          scope: scope.name,
          name: token.text,
          value: value ?? annotated ?? token.text,
          line: token.line,
        })
        annotated = undefined
      }
      read = end
    } else if (isConst && scope !== body && token.kind === 'word' && next?.text === '=') {
      const open = tokens.findIndex((one, at) => at > i + 1 && (one.kind === 'string' || '([;,{'.includes(one.text)))
      const end = closing(tokens, open)
      if (tokens[open]?.text === '[') {
        const texts = tokens.slice(open, end).filter(({ kind }) => kind === 'string')
        constants.push(...texts.map(({ text, line }) => ({ scope: token.text, name: text, value: text, line })))
      } else {
        const value = textIn(tokens.slice(open, Math.max(end, open + 1)))
        if (value !== undefined) constants.push({ scope: scope?.name ?? '', name: token.text, value, line: token.line })
      }
      read = Math.max(end, i + 1)
    }
  }
  return constants
}

/** The label among the texts of a call, such as `(label: 'Xledger', value: 'xledger')`, or the first of them. */
function textIn(tokens: Token[]): string | undefined {
  const texts = tokens.flatMap(({ kind, text }) => (kind === 'string' ? [text] : []))
  return texts.find(isLabel) ?? texts[0]
}

/** Where what opens at `start` closes; `start` itself where nothing opens there. */
function closing(tokens: Token[], start: number): number {
  let depth = 0
  for (let at = start; at < tokens.length; at++) {
    const { kind, text } = tokens[at] as Token
    if (kind === 'sign' && '(['.includes(text)) depth += 1
    if (kind === 'sign' && ')]'.includes(text)) depth -= 1
    if (depth === 0) return at
  }
  return tokens.length
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
