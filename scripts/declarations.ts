import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** The declarations that tsc emits, beside the packages they import. */
export type Declarations = {
  folder: string
  /** What package.json exports, by name: `index` for the package itself. */
  entries: { name: string; file: string }[]
  remove(): void
}

type Manifest = { exports: Record<string, string | { types: string }> }

/** Emits the declarations of src into a folder of their own. */
export function emitDeclarations(): Declarations {
  const folder = mkdtempSync(join(tmpdir(), 'integrations-db-declarations-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'), 'junction')
    copyFileSync('package.json', join(folder, 'package.json'))
    const tsc = join('node_modules', '.bin', 'tsc')
    execFileSync(tsc, ['-p', 'tsconfig.build.json', '--outDir', join(folder, 'dist')], {
      stdio: 'inherit',
      shell: process.platform === 'win32',
    })
    return { folder, entries: entriesIn(folder), remove }
  } catch (error) {
    remove()
    throw error
  }
}

function entriesIn(folder: string): Declarations['entries'] {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
  return Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'string'
      ? []
      : [{ name: path === '.' ? 'index' : path.slice('./'.length), file: join(folder, target.types) }],
  )
}
