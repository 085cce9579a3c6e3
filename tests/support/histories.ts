import { expect } from 'vitest'
import { built, inDatabase, runFile, type Step, schemaOf, tryFiles, writeProject } from './projects.ts'

export type History = [what: string, ...steps: string[]]

/** Every one of them in CI, some of them in between. */
export const chosen = (histories: History[]): History[] =>
  histories.filter((_, i) => i % Number(process.env.HISTORIES_EVERY) === 0)

/** Runs up, up again, down, down again and all the way down, and ends as its own files end. */
export async function expectToHold(...steps: string[]): Promise<void> {
  const project = await writeProject(steps.map((sql): Step => ({ sql })))
  const files = await built(project)
  project.remove()
  const raw = await inDatabase(async (db) => {
    for (const step of steps) await db.unsafe(step)
    return schemaOf(db)
  })
  await inDatabase(async (db) => {
    expect((await tryFiles(db, files)).problems).toEqual([])
    for (const { up } of files) await runFile(db, up)
    await db.unsafe('drop schema if exists integrations_once cascade')
    expect(await schemaOf(db)).toEqual(raw)
  })
}
