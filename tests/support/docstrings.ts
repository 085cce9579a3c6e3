import { posix } from 'node:path'

/* What the published declarations say of themselves. tsc prints them one way, so lines are enough to read them by. */

/** A documented thing: an export, or a method of an exported class or type. */
export type Docstring = { name: string; text: string; isCall: boolean; isAwaited: boolean }

/** Every export of a declaration file, and the methods of each, with what stands above it. */
export function docstringsOf(index: string, read: (file: string) => string): Docstring[] {
  return [...index.matchAll(/export (?:type )?\{([^}]*)\} from '([^']+)'/g)].flatMap(([, list = '', from = '']) => {
    const lines = read(posix.normalize(from).replace(/\.ts$/, '.d.ts')).split('\n')
    const names = list.split(',').map((name) => name.replace('type ', '').trim())
    return names.filter(Boolean).flatMap((name) => declarationOf(name, lines))
  })
}

function declarationOf(name: string, lines: string[]): Docstring[] {
  const start = lines.findIndex((line) =>
    new RegExp(`^export (declare )?(class|type|const|function) ${name}\\b`).test(line),
  )
  const first = lines[start] ?? ''
  const isLoaded = first.includes("typeof import('")
  const isFunction = first.includes(' function ') || isLoaded
  const own = { name, text: docAbove(lines, start), isCall: isFunction, isAwaited: isLoaded || awaited(lines, start) }
  if (isFunction || !first.endsWith('{')) return [own]
  const end = lines.findIndex((line, i) => i > start && line.startsWith('}'))
  const methods = lines.flatMap((line, i) => {
    const [, method] = i > start && i < end ? (/^ {4}(\w+)(?:<.*?>)?\(/.exec(line) ?? []) : []
    if (method === undefined || method === 'constructor') return []
    return [{ name: `${name}.${method}`, text: docAbove(lines, i), isCall: true, isAwaited: awaited(lines, i) }]
  })
  return [{ ...own, isAwaited: false }, ...methods]
}

/** Whether what is declared from this line on gives a promise. */
function awaited(lines: string[], start: number): boolean {
  const indent = /^ */.exec(lines[start] ?? '')?.[0] ?? ''
  const end = lines.findIndex((line, i) => i >= start && line.endsWith(';') && !line.startsWith(`${indent} `))
  return /\): Promise</.test(lines.slice(start, end + 1).join('\n'))
}

function docAbove(lines: string[], line: number): string {
  if (!lines[line - 1]?.trimEnd().endsWith('*/')) return ''
  const start = lines.findLastIndex((text, i) => i < line && text.trimStart().startsWith('/**'))
  return lines.slice(start, line).join('\n')
}
