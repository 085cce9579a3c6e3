import fc from 'fast-check'
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
          const { problems, top } = await inDatabase((db) => tryFiles(db, files))
          expect(problems).toEqual([])
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
        ...(process.env.SEED ? { seed: Number(process.env.SEED) } : {}),
      },
    )
  },
  runs * 15_000,
)
