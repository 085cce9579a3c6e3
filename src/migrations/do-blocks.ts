import { commandOf } from './effects.ts'
import { textOf } from './parse-tree.ts'
import { parseNow, type Statement, type Word, wordsIn } from './statements.ts'

/*
 * The DO blocks that people write so that a statement can run twice: `IF NOT EXISTS (…) THEN <it>; END IF;`. What such a
 * block does is what its statements do, where they find nothing to do it twice to.
 */

/** The statements of a DO block that makes what is not there or drops what is, undefined where it does anything else. */
export function guardedStatements({ text, origin }: Statement): Statement[] | undefined {
  const body =
    /^do\s+(?:language\s+plpgsql\s+)?(\$\w*\$)\s*begin\b([\s\S]*)\bend\s*;?\s*\1(?:\s*language\s+plpgsql)?\s*$/i.exec(
      text,
    )?.[2]
  if (
    body === undefined ||
    /\b(execute|perform|raise|loop|declare|exception|else|elsif|return)\b/i.test(withoutLiterals(body))
  )
    return undefined
  const words = wordsIn(body)
  const found: Statement[] = []
  let at = 0
  while (at < words.length) {
    const condition = conditionAt(words, at)
    if (condition === undefined) return undefined
    const end = words.findIndex(
      (word, i) => i > condition.end && /^end$/i.test(word.text) && /^if$/i.test(words[i + 1]?.text ?? ''),
    )
    const [from, to] = [words[condition.end]?.end, words[end]?.start]
    if (end < 0 || from === undefined || to === undefined) return undefined
    const inner = parsed(body.slice(from, to), origin)
    if (inner === undefined || !inner.every((one) => (condition.negated ? makes(one) : takesAway(one))))
      return undefined
    found.push(...inner)
    at = end + 3
  }
  return found
}

/** `IF [NOT] EXISTS (…) [AND …] THEN`: where its THEN is. */
function conditionAt(words: Word[], at: number): { end: number; negated: boolean } | undefined {
  const is = (i: number, word: string) => words[i]?.text.toLowerCase() === word
  const negated = is(at + 1, 'not')
  if (!is(at, 'if') || !is(negated ? at + 2 : at + 1, 'exists')) return undefined
  const end = words.findIndex((word, i) => i > at && word.text.toLowerCase() === 'then')
  return end < 0 ? undefined : { end, negated }
}

function parsed(text: string, origin: string): Statement[] | undefined {
  try {
    return parseNow([text], origin)
  } catch {
    return undefined
  }
}

function makes({ node }: Statement): boolean {
  const [kind = ''] = Object.keys(node)
  const subtype = textOf(commandOf(node)?.subtype)
  return (
    /^(Create.*|IndexStmt|ViewStmt|CompositeTypeStmt|AlterEnumStmt)$/.test(kind) ||
    /^AT_(Add|Validate|Enable|Force)/.test(subtype)
  )
}

function takesAway({ node }: Statement): boolean {
  return 'DropStmt' in node || 'RenameStmt' in node || /^AT_Drop/.test(textOf(commandOf(node)?.subtype))
}

const withoutLiterals = (text: string) => text.replace(/'(?:[^']|'')*'/g, "''").replace(/--.*$/gm, '')
