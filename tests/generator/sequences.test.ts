import fc from 'fast-check'
import type { Sql } from 'postgres'
import { expect, test } from 'vitest'
import { withoutMarks } from '../support/changes.ts'
import { built, inDatabase, runFile, type Step, schemaOf, tryFiles, writeProject } from '../support/projects.ts'
import { edited, type Model, randomSteps, schemaOfModel, startModel } from '../support/random-schemas.ts'

const runs = Number(process.env.SEQUENCES ?? 10)

/** The steps that drizzle-kit can write without asking whether something was renamed. */
async function stepsOf(models: Model[]): Promise<Step[]> {
  const steps: Step[] = []
  for (const model of models) {
    const step = { schema: schemaOfModel(model) }
    try {
      const project = await writeProject([...steps, step])
      project.remove()
      steps.push(step)
    } catch {
      // It stops at the rename question.
    }
  }
  return steps
}

/** A row in every table, NULL wherever it may be. */
async function oneRowEach(db: Sql): Promise<void> {
  const tables = await db<{ name: string; columns: string[] }[]>`
    select relname as name, array(
      select quote_ident(attname) from pg_attribute
      where attrelid = pg_class.oid and attnum > 0 and not attisdropped and not attnotnull and attgenerated = '') as columns
    from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'organizations'`
  for (const { name, columns } of tables) {
    const list =
      columns.length === 0 ? 'default values' : `(${columns.join(', ')}) values (${columns.map(() => 'null')})`
    await db.unsafe(`insert into "${name}" ${list}`).catch(() => undefined)
  }
}

test(
  'any sequence of schema changes runs up, up, down, down, up with equal dumps, ends as if made directly, and goes back to the empty start',
  async () => {
    await fc.assert(
      fc.asyncProperty(randomSteps, async (edits) => {
        const models = [startModel]
        let model = startModel
        for (const step of edits) {
          model = step.reduce(edited, model)
          models.push(model)
        }
        const steps = await stepsOf(models)
        const project = await writeProject(steps)
        const last = await writeProject(steps.slice(-1))
        try {
          const files = await built(project)
          const { problems, top, stopped } = await inDatabase((db) => tryFiles(db, files, oneRowEach))
          expect(problems).toEqual([])
          if (stopped) return
          const direct = await inDatabase(async (db) => {
            for (const { up } of await built(last)) await runFile(db, up)
            return schemaOf(db)
          })
          expect(withoutMarks(top)).toEqual(withoutMarks(direct))
        } finally {
          project.remove()
          last.remove()
        }
      }),
      {
        numRuns: runs,
        endOnFailure: process.env.SHRINK === undefined,
        // A build draws the same each time, so that what breaks it is the change; the long run draws anew.
        ...(process.env.SEED || runs < 100 ? { seed: Number(process.env.SEED || 21) } : {}),
        ...(process.env.RUN_PATH ? { path: process.env.RUN_PATH } : {}),
      },
    )
  },
  runs * 15_000,
)
