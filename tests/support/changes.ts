import { expect } from 'vitest'
import { built, inDatabase, runFile, type Step, schemaOf, tryFiles, writeProject } from './projects.ts'

/** Two schemas, and what a person wrote for the way between them where drizzle-kit would ask. */
export type Change = {
  name: string
  from: Record<string, unknown>
  to: Record<string, unknown>
  up?: string
  down?: string
}

/** Every nth, n being CHANGES_EVERY, from the first or from a later one on. */
export function sampled<T>(changes: T[], from = 0): T[] {
  const every = Number(process.env.CHANGES_EVERY)
  return changes.filter((_, i) => i % every === from % every)
}

const direct = (schema: Record<string, unknown>): Promise<unknown> =>
  inDatabase(async (db) => {
    const project = await writeProject([{ schema }])
    for (const { up } of await built(project)) await runFile(db, up)
    project.remove()
    return schemaOf(db)
  })

/** What marks statements as run is no part of the schema. */
export const withoutMarks = (schema: unknown): unknown => {
  const isMark = (item: unknown) => /integrations_once|"statements|statements_pkey/.test(JSON.stringify(item))
  const lists = Object.entries(schema as Record<string, unknown[]>)
  return Object.fromEntries(lists.map(([kind, items]) => [kind, items.filter((item) => !isMark(item))]))
}

/** The second step's schema must come out as if it had been made so, run twice, and roll back to what was. */
export async function tryChange(steps: [Step, Step], expected: Record<string, unknown>): Promise<void> {
  const project = await writeProject(steps)
  try {
    const { problems, top } = await inDatabase(async (db) => tryFiles(db, await built(project)))
    expect(problems).toEqual([])
    expect(withoutMarks(top)).toEqual(withoutMarks(await direct(expected)))
  } finally {
    project.remove()
  }
}
