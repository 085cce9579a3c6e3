import { expect } from 'vitest'
import { built, inDatabase, runFile, type Step, schemaOf, tryFiles, writeProject } from './projects.ts'

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
