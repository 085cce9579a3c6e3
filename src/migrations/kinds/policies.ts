import type { Node } from 'libpg-query'
import { name, relation } from '../../util/quote.ts'
import { nodesOf, tableName, textOf } from '../parse-tree.ts'
import { referencesOf, relationOf } from '../references.ts'
import { type Key, type Policy, partKey } from '../state.ts'
import { parseNow, type Statement } from '../statements.ts'
import { asIs } from './forms.ts'
import type { Rows } from './row.ts'

/* Policies of tables. */

export const policies: Rows = {
  CreatePolicyStmt: {
    // There is no CREATE OR REPLACE POLICY. Both statements commit together, so no reader sees the table without it.
    guard: ({ text }, node) => `DROP POLICY IF EXISTS ${name(node.policy_name)} ON ${relation(node.table)};\n${text};`,
    effect: (state, statement, node) => {
      const on = relationOf(state, node.table)
      const key = partKey('policy', on, textOf(node.policy_name))
      const pieces = policyPieces(statement)
      state.put({
        kind: 'policy',
        key,
        name: textOf(node.policy_name),
        on,
        head: pieces.head,
        roles: pieces.roles ?? 'public',
        ...(pieces.using === undefined ? {} : { using: pieces.using }),
        ...(pieces.check === undefined ? {} : { check: pieces.check }),
        refs: [...rolesIn(node.roles), ...referencesOf(state, [node.qual, node.with_check] as Node[], on)],
      })
      return {}
    },
    names: ({ table }) => ({ needs: [`table ${tableName(table)}`] }),
  },
  AlterPolicyStmt: {
    guard: asIs,
    effect: (state, statement, node) => {
      const on = relationOf(state, node.table)
      const policy = state.of('policy', partKey('policy', on, textOf(node.policy_name)))
      if (policy === undefined) return { unknown: true }
      const { head: _head, ...pieces } = policyPieces(statement)
      const given = Object.fromEntries(Object.entries(pieces).filter(([, text]) => text !== undefined))
      const next = { ...policy, ...given } as Policy
      const both = parseExpressions(next)
      const roles =
        node.roles === undefined ? policy.refs.filter((ref) => ref.startsWith('role ')) : rolesIn(node.roles)
      state.put({ ...next, refs: [...roles, ...referencesOf(state, both, on)] })
      return {}
    },
    names: ({ table }) => ({ needs: [`table ${tableName(table)}`] }),
  },
}

/** What AS, FOR, TO, USING and WITH CHECK of a policy say. */
function policyPieces({ text, words }: Statement) {
  const cuts: { word: string; start: number; end: number }[] = []
  let depth = 0
  const on = words.findIndex((word) => /^on$/i.test(word.text))
  for (const [i, word] of words.entries()) {
    if (word.text === '(') depth++
    if (word.text === ')') depth--
    if (depth > 0 || i <= on + 1) continue
    if (/^(as|for|to|using)$/i.test(word.text))
      cuts.push({ word: word.text.toLowerCase(), start: word.start, end: word.end })
    if (/^with$/i.test(word.text) && /^check$/i.test(words[i + 1]?.text ?? ''))
      cuts.push({ word: 'check', start: word.start, end: words[i + 1]?.end ?? word.end })
  }
  const piece = (word: string) => {
    const at = cuts.findIndex((cut) => cut.word === word)
    return at < 0 ? undefined : text.slice(cuts[at]?.end, cuts[at + 1]?.start).trim()
  }
  const [as, command] = [piece('as'), piece('for')]
  return {
    head: [...(as ? [`AS ${as}`] : []), ...(command ? [`FOR ${command}`] : [])].join(' '),
    roles: piece('to'),
    using: piece('using'),
    check: piece('check'),
  }
}

const rolesIn = (roles: Node[] | undefined): Key[] =>
  nodesOf(roles).flatMap((one) => ('RoleSpec' in one && one.RoleSpec.rolename ? [`role ${one.RoleSpec.rolename}`] : []))

function parseExpressions({ using, check }: Policy): Node[] {
  const pieces = [using, check].filter((one) => one !== undefined)
  return parseNow(
    pieces.map((one) => `SELECT ${one}`),
    'policy',
  ).map(({ node }) => node)
}
