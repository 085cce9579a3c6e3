import type { SQL, SQLWrapper } from 'drizzle-orm'
import { type CompiledStatement, compile, type Statement } from '../connection/statement.ts'

/**
 * A query that asks for what a call names and nothing else: of the conditions those whose name has a value. One text per
 * set of them, built when first needed.
 */
export function filtered(
  conditions: Record<string, SQL>,
  build: (where: SQL[]) => SQLWrapper,
): (values: Record<string, unknown>) => Statement {
  const texts = new Map<string, CompiledStatement>()
  return (values) => {
    const names = Object.keys(conditions).filter((name) => values[name] !== undefined)
    const key = names.join()
    const compiled = texts.get(key) ?? compile(() => build(names.map((name) => conditions[name] as SQL)))
    texts.set(key, compiled)
    return compiled(values)
  }
}
