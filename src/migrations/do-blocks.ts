import type { Outcome } from './outcome.ts'
import { parseNow, type Statement, splitCommands, type Word, wordsIn } from './statements.ts'

/*
 * The DO blocks that people write so that a statement can run twice: `IF NOT EXISTS (…) THEN <it>; END IF;`, or with
 * `EXCEPTION WHEN duplicate_object THEN NULL`. What such a block does is what its statements do, where they find nothing to
 * do it twice to. Of any other only its words tell whether it changes the schema, or rows, or nothing.
 */

/** The statements of a DO block that can run twice by itself, undefined where it does anything else. */
export function guardedStatements({ text, origin }: Statement): Statement[] | undefined {
  const body = bodyOf(text)
  if (body === undefined) return undefined
  const [, first = body, handler] = /^([\s\S]*?)\bexception\s+(when\b[\s\S]*)$/i.exec(body) ?? []
  if (/\b(execute|perform|raise|loop|declare|exception|else|elsif|return|assert)\b/i.test(withoutLiterals(first)))
    return undefined
  if (handler !== undefined)
    return /^(when\s+(duplicate|undefined)_\w+(\s+or\s+(duplicate|undefined)_\w+)*\s+then(\s+null\s*;|\s*))+$/i.test(
      withoutLiterals(handler).trim(),
    )
      ? parsed(first, origin)
      : undefined
  return conditional(first, origin)
}

/** Whether a block can run twice by itself. */
export const isGuarded = (statement: Statement): boolean =>
  guardedStatements(statement)?.every(
    ({ node }) => !/^(Insert|Update|Delete|Merge|Truncate|Select)Stmt$/.test(Object.keys(node)[0] ?? ''),
  ) ?? false

/** What a block does of which no statement can be read. */
export function effectOfBlock({ text }: Statement): Outcome {
  const words = withoutLiterals(bodyOf(text) ?? text)
  // `'execute'` stands in literals too; SQL that is put together may do anything.
  if (bodyOf(text) === undefined || /\b(execute|perform|call|create|alter|drop|grant|revoke|comment)\b/i.test(words))
    return { unknown: true }
  return /\b(insert|update|delete|merge|truncate)\b/i.test(words) ? { rows: true } : {}
}

/**
 * What a block validates, of which no other statement can be read: where it came to its end, the constraint is valid or never
 * was another.
 */
export function validations({ text, origin }: Statement): Statement[] {
  const body = withoutLiterals(bodyOf(text) ?? '')
  return [...body.matchAll(/\balter\s+table\s+[^;]*?\bvalidate\s+constraint\s+("(?:[^"]|"")+"|\w+)/gi)].flatMap(
    ([statement]) => parsed(statement, origin) ?? [],
  )
}

function bodyOf(text: string): string | undefined {
  return /^do\s+(?:language\s+plpgsql\s+)?(\$\w*\$)\s*(?:declare\b[\s\S]*?)?\bbegin\b([\s\S]*)\bend\s*;?\s*\1(?:\s*language\s+plpgsql)?\s*$/i.exec(
    text,
  )?.[2]
}

/** A run of `IF <what the catalogs say> THEN … END IF;`. */
function conditional(body: string, origin: string): Statement[] | undefined {
  const words = wordsIn(body)
  const found: Statement[] = []
  let at = 0
  while (at < words.length) {
    const then = words.findIndex((word, i) => i > at && /^then$/i.test(word.text))
    const end = words.findIndex(
      (word, i) => i > then && /^end$/i.test(word.text) && /^if$/i.test(words[i + 1]?.text ?? ''),
    )
    const [from, to] = [words[then]?.end, words[end]?.start]
    if (!/^if$/i.test(words[at]?.text ?? '') || then < 0 || end < 0 || from === undefined || to === undefined)
      return undefined
    const negated = asksForAbsence(words.slice(at + 1, then))
    const inner = parsed(body.slice(from, to), origin)
    if (negated === undefined || inner === undefined || !inner.every((one) => negated || changesWhatIsThere(one)))
      return undefined
    found.push(...inner)
    at = end + 3
  }
  return found
}

/** Whether a condition asks the catalogs for what is missing; undefined where it asks for anything but them. */
function asksForAbsence(words: Word[]): boolean | undefined {
  const text = words.map((word) => word.text.toLowerCase()).join(' ')
  const asksCatalogs = [...text.matchAll(/\b(?:from|join) (\S+)/g)].every(([, table = '']) =>
    /^"?(pg_|information_schema)/.test(table),
  )
  if (!asksCatalogs || !/\bexists \(|\bto_reg\w+ \(|^not \( select /.test(text)) return undefined
  return /\bnot exists\b|^not \(|\bis null\b/.test(text)
}

function parsed(text: string, origin: string): Statement[] | undefined {
  try {
    return parseNow([text], origin).flatMap(splitCommands)
  } catch {
    return undefined
  }
}

const changesWhatIsThere = ({ node }: Statement) =>
  'DropStmt' in node || 'RenameStmt' in node || 'AlterTableStmt' in node

const withoutLiterals = (text: string) =>
  text
    .replace(/'(?:[^']|'')*'/g, "''")
    .replace(/--.*$/gm, '')
    .replace(/\/\*[\s\S]*?\*\//g, '')
