/*
 * `npm run test:drizzle-next`: the move to Drizzle 1.0 is known to be safe. In a folder with its release candidate,
 * `drizzle-kit up` takes our history over, and `generate` finds that the schema says nothing new.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { installInto, keptFolder, run } from './temporary.ts'

const version = '1.0.0-rc.4'
const packages = keptFolder('drizzle-next')
await installInto(packages, `drizzle-orm@${version}`, `drizzle-kit@${version}`)

const project = mkdtempSync(join(tmpdir(), 'integrations-db-drizzle-next-'))
try {
  for (const name of ['src', 'drizzle', 'drizzle.config.ts', 'tsconfig.json'])
    cpSync(name, join(project, name), { recursive: true })
  symlinkSync(resolve(packages, 'node_modules'), join(project, 'node_modules'), 'junction')
  await run('npx', ['drizzle-kit', 'up'], { folder: project })
  const taken = migrations()
  await generate()
  assert(
    migrations().length === taken.length,
    'drizzle-kit generate wrote a migration, though src/schema says nothing new',
  )
  // It could also have looked at nothing at all.
  const enums = join(project, 'src', 'schema', 'enums.ts')
  writeFileSync(enums, readFileSync(enums, 'utf8').replace("'pending_setup'", "'pending_setup', 'paused'"))
  await generate()
  assert(
    migrations().length === taken.length + 1,
    'drizzle-kit generate wrote nothing, though src/schema has a new label',
  )
  console.log(`drizzle-orm and drizzle-kit ${version} take over ${taken.length} migrations and find nothing to change`)
} finally {
  rmSync(project, { recursive: true, force: true })
}

function generate(): Promise<void> {
  return run('npx', ['drizzle-kit', 'generate', '--name', 'next'], { folder: project })
}

/** Folders of 1.0's layout. */
function migrations(): string[] {
  const entries = readdirSync(join(project, 'drizzle'), { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory() && /^\d{14}_/.test(entry.name)).map(({ name }) => name)
}

function assert(held: boolean, message: string): void {
  if (!held) throw new Error(message)
}
