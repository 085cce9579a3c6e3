import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { packagedFiles } from './packaged.ts'

type Manifest = { bin: Record<string, string>; exports: Record<string, string | { default: string }> }

const packageFolder = join('src', 'util', 'package-folder.ts')

/**
 * The modules that package.json names, each with what it needs, as they are published.
 *
 * Joined into a few files because Node finds, reads and links each module by itself: forty small ones cost a caller more
 * than all that they say. Nothing is shortened, and source maps hold the sources, so that a stack trace reads as written.
 */
export async function bundle(outdir: string): Promise<void> {
  assertMovable()
  await build({
    entryPoints: entries(),
    outdir,
    outbase: 'src',
    chunkNames: 'shared/[name]-[hash]',
    bundle: true,
    // What several entries use exists once, or an error of one would be no IntegrationsDbError to the other.
    splitting: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    sourcemap: true,
    metafile: true,
    plugins: [packagedFiles],
  })
}

/** The sources of everything that package.json lets others name, and what drizzle-kit is given as a file. */
function entries(): string[] {
  const { bin, exports } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
  const targets = Object.values(exports).map((target) => (typeof target === 'string' ? target : target.default))
  return [...targets, ...Object.values(bin), './dist/drizzle-kit/enums.js']
    .filter((target) => target.endsWith('.js'))
    .map((target) => target.replace(/^(\.\/)?dist\//, 'src/').replace(/\.js$/, '.ts'))
}

/** A module that looks for files beside itself would look in the wrong place once it is joined with others. */
function assertMovable(): void {
  const found = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join('src', name))
    .filter((file) => file !== packageFolder && withoutText(readFileSync(file, 'utf8')).includes('import.meta'))
  if (found.length === 0) return
  throw new Error(
    `${found.join(', ')}: import.meta is another file's after the build; use packageFolder of ${packageFolder}`,
  )
}

/** What is only talked about is not done. */
const withoutText = (source: string) => source.replaceAll(/`[^`]*`|'[^'\n]*'/g, '')
