/*
 * Reads the string constants of a Dart file. Not a parser of Dart: constants and enum entries are all that is looked for,
 * so comments, strings and braces are all that has to be understood. What nests is known four levels deep.
 */

/** A constant with a text, and the class or enum it stands in: '' at the top level, its own name where it is a list. */
export type Constant = { scope: string; name: string; value: string; line: number }

/**
 * The constants of a Dart file, in the order of their scopes: `const … name = 'value'`, `= Type('value')` and
 * `= ['value', …]`, `final` too, in a class or outside of all; the entries of enums: `name('value')`,
 * `name(value: 'value', …)`, `@JsonValue('value') name`, `name`. Of several texts it is the one that `isValue`.
 */
export function dartConstants(source: string, isValue: (text: string) => boolean): Constant[] {
  const { code, texts } = withoutTexts(source)
  const textsIn = (part: string) => [...part.matchAll(/"(\d+)"/g)].map(([, index]) => texts[Number(index)] ?? '')
  const valueIn = (part: string) => textsIn(part).find(isValue) ?? textsIn(part)[0]
  return scopesOf(code).flatMap((scope) => {
    const lineAt = (index: number) => scope.line + lineEnds(scope.code.slice(0, index)).length
    const end = scope.isEnum ? (scope.code.match(/^[^;]*/)?.[0].length ?? 0) : 0
    const entries = [...scope.code.slice(0, end).matchAll(entry)].map(({ groups = {}, indices }) => ({
      scope: scope.name,
      name: groups.name ?? '',
      value: valueIn(groups.values ?? '') ?? valueIn(groups.annotation ?? '') ?? groups.name ?? '',
      line: lineAt(indices?.groups?.name?.[0] ?? 0),
    }))
    const statements = [...scope.code.matchAll(scope.name === '' ? anyConstant : ownConstant)]
    const constants = statements.flatMap((statement) =>
      [...statement[0].matchAll(assignment)].flatMap(({ index, groups: { name = '', value = '' } = {} }) => {
        const line = lineAt(statement.index + index)
        if (value.replace(/^(const|<[^>]*>|\s)+/, '').startsWith('[')) {
          return textsIn(value).map((text) => ({ scope: name, name: text, value: text, line }))
        }
        const text = valueIn(value)
        return text === undefined ? [] : [{ scope: scope.name, name, value: text, line }]
      }),
    )
    return [...entries, ...constants]
  })
}

const nested = (part: (inner: string) => string) => part(part(part(part('(?!)'))))
const comment = nested((inner) => String.raw`\/\*(?:${inner}|(?!\*\/|\/\*)[\s\S])*\*\/`)
const quoted = (quote: string, inner: string) =>
  // Three quotes open a long string, and never an empty one: read both ways, broken files would take for ever.
  String.raw`${quote}${quote.length === 1 ? `(?!${quote}${quote})` : ''}(?:\\[\s\S]|\$\{(?:${inner}|[^'"}])*\}|\$(?!\{)|(?!${quote})[^\\$])*${quote}`
const text = nested((inner) => ["'''", '"""', "'", '"'].map((quote) => quoted(quote, inner)).join('|'))
const lexeme = new RegExp(String.raw`\/\/.*|${comment}|\br('''|"""|'|")(?<raw>[\s\S]*?)\1|(?<text>${text})`, 'g')

const parentheses = nested((inner) => String.raw`\((?:[^()]|${inner})*\)`)
const entry = new RegExp(
  String.raw`(?:@\w+(?<annotation>${parentheses})?\s*)?\b(?<name>[A-Za-z_$]\w*)\s*(?<values>${parentheses})?\s*(?:,|$)`,
  'dg',
)
// A field of an object is no constant.
const ownConstant = /\b(?:const|static\s+final)\b[^;]*/g
const anyConstant = /\b(?:const|final)\b[^;]*/g
const assignment = new RegExp(
  String.raw`\b(?<name>[A-Za-z_$]\w*)\s*=(?!=)(?<value>(?:${parentheses}|\[[^\]]*\]|<[^>]*>|[^,;()[\]])*)`,
  'g',
)

/** The code without its comments, and each text as its index between quotes. Lines stay what they are. */
function withoutTexts(source: string): { code: string; texts: string[] } {
  const texts: string[] = []
  const code = source.replace(lexeme, (found, ...rest) => {
    const { raw, text } = rest.at(-1)
    const lines = lineEnds(found)
    if (raw === undefined && text === undefined) return ` ${lines}`
    const unquoted = raw ?? text.replace(/^('''|"""|'|")([\s\S]*)\1$/, '$2').replace(/\\([\s\S])/g, '$1')
    return `"${texts.push(unquoted) - 1}"${lines}`
  })
  // Strings side by side are one string.
  const joined = code.replace(/"\d+"(?:\s*"\d+")+/g, (found) => {
    const whole = [...found.matchAll(/\d+/g)].map(([index]) => texts[Number(index)]).join('')
    return `"${texts.push(whole) - 1}"${lineEnds(found)}`
  })
  return { code: joined, texts }
}

type Scope = { name: string; isEnum: boolean; line: number; code: string }

/** The top level and each class or enum, without the bodies in it: those of functions are nobody's registry. */
function scopesOf(code: string): Scope[] {
  const top: Scope = { name: '', isEnum: false, line: 1, code: '' }
  const all = [top]
  const open: (Scope | undefined)[] = [top]
  let before = ''
  let line = 1
  for (const part of code.split(/([{}])/)) {
    if (part === '{') {
      const [, kind, name = ''] = /\b(class|enum|mixin|extension)\s+(\w+)[^;]*$/.exec(before) ?? []
      const isScope = kind !== undefined && open.length === 1
      const scope = isScope ? { name, isEnum: kind === 'enum', line, code: '' } : undefined
      if (scope) all.push(scope)
      open.push(scope)
    } else if (part === '}') {
      if (open.length > 1) open.pop()
      if (open.length === 1) top.code += ';'
    } else {
      const inside = open.at(-1)
      for (const scope of open) if (scope) scope.code += scope === inside ? part : lineEnds(part)
      before = part
      line += lineEnds(part).length
    }
  }
  return all
}

const lineEnds = (code: string) => code.replace(/[^\n]/g, '')
