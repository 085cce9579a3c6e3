import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Plugin } from 'esbuild'
import { type MigrationFile, recordedStatements } from '../src/deployment/files.ts'
import { readPackaged } from '../src/deployment/packaged.ts'

/**
 * Puts what `src/deployment/packaged.ts` would read into the build in its place, statements cut: an application that is
 * bundled has neither the files nor PostgreSQL's parser.
 */
export const packagedFiles: Plugin = {
  name: 'packaged files',
  setup(build) {
    build.onLoad({ filter: /[\\/]deployment[\\/]packaged\.ts$/ }, async () => {
      const { migrations, rollbacks, catalog } = await readPackaged()
      const data = {
        migrations: await Promise.all(migrations.map(carried)),
        rollbacks: await Promise.all(rollbacks.map(carried)),
        catalog,
      }
      return { contents: `export const readPackaged = async () => (${JSON.stringify(data)})`, loader: 'js' }
    })
    // Its map would hold all of it a second time, and nobody steps through data.
    build.onEnd(({ metafile }) => {
      for (const name of Object.keys(metafile?.outputs ?? {})) {
        if (/[\\/]packaged-\w+\.js\.map$/.test(name)) writeFileSync(name, emptyMap)
      }
    })
  },
}

const emptyMap = JSON.stringify({ version: 3, sources: [], sourcesContent: [], names: [], mappings: '' })

async function carried(file: MigrationFile): Promise<MigrationFile> {
  const path = relative('.', file.path).replaceAll('\\', '/')
  return { ...file, path: `@org/integrations-db/${path}`, cuts: cutsOf(file, await recordedStatements(file)) }
}

/** Each statement stands in its file's text as it is recorded. */
function cutsOf({ text, path }: MigrationFile, statements: string[]): [number, number][] {
  let end = 0
  return statements.map((statement) => {
    const start = text.indexOf(statement, end)
    if (start < 0) throw new Error(`${path}: does not hold ${statement}`)
    end = start + statement.length
    return [start, end]
  })
}
