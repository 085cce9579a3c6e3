import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, readFile, realpath, symlink, writeFile } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import { promisify } from 'node:util'

/* The package as npm would publish it, and a project that has nothing but it. */

const run = promisify(execFile)
const windows = process.platform === 'win32'

/** Runs a program, of this repository's dependencies too, and gives what it printed, also where it failed. */
export async function output(
  folder: string,
  command: string,
  words: string[],
): Promise<{ code: number; text: string }> {
  const path = [resolve('node_modules', '.bin'), process.env.PATH].join(delimiter)
  const options = { cwd: folder, env: { ...process.env, PATH: path, NO_COLOR: '1' }, shell: windows }
  try {
    const { stdout, stderr } = await run(command, words, options)
    return { code: 0, text: stdout + stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, text: stdout + stderr }
  }
}

/** Builds and packs a copy of this repository; the tarball's path. */
export async function pack(folder: string): Promise<string> {
  const copy = join(folder, 'repository')
  const left = ['node_modules', 'dist', '.git', 'tests', 'bench', 'coverage']
  await cp('.', copy, { recursive: true, filter: (path) => !left.includes(path) })
  await symlink(resolve('node_modules'), join(copy, 'node_modules'), 'junction')
  await succeed(copy, 'npm', ['pack', '--silent', '--pack-destination', folder])
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'))
  return join(folder, tarball ?? 'nothing was packed')
}

/** An empty project with the tarball and its one required peer; its folder. */
export async function install(folder: string, tarball: string): Promise<string> {
  const consumer = join(folder, 'consumer')
  await mkdir(consumer)
  const { version } = JSON.parse(await readFile('node_modules/drizzle-orm/package.json', 'utf8'))
  const dependencies = { '@org/integrations-db': `file:${tarball}`, 'drizzle-orm': version }
  await writeFile(join(consumer, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }))
  // What npm ci has fetched is in npm's cache: no network is needed.
  await succeed(consumer, 'npm', ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'])
  await cp('tests/consumer', consumer, { recursive: true })
  await writeFile(join(consumer, 'readme.ts'), readmeCode(await readFile('README.md', 'utf8')))
  return realpath(consumer)
}

/** The README's TypeScript, with what its reader has. */
function readmeCode(page: string): string {
  const [, code = ''] = /^```ts\n(.*?)^```$/ms.exec(page) ?? []
  return `declare const verifiedJwtPayload: object\ndeclare const api_key: string, organizationId: string\n${code}`
}

/** What tsc says under strict and nodenext; it also writes the files' modules. Drizzle's own declarations do not compile. */
export async function compile(consumer: string): Promise<{ file: string; line: number; message: string }[]> {
  const flags = [
    '--strict',
    '--skipLibCheck',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--noUncheckedIndexedAccess',
    '--pretty',
    'false',
  ]
  const { text } = await output(consumer, 'tsc', [...flags, 'program.ts', 'types.ts', 'readme.ts'])
  return text.split('\n').flatMap((line) => {
    const [, file = '', at = '0', message] = /^(?:(\S+)\((\d+),\d+\): )?(error .*)$/.exec(line) ?? []
    return message === undefined ? [] : [{ file, line: Number(at), message }]
  })
}

/** Every module that an import loads: packages by name, files of this one by their path in it. */
export async function loadedBy(consumer: string, statement: string): Promise<string[]> {
  const hook = `import { writeSync } from 'node:fs'
    export const load = (url, context, next) => (writeSync(1, url + '\\n'), next(url, context))`
  const register = `import { register } from 'node:module'
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hook)}))
    await import('data:text/javascript,')
    ${statement}`
  const { text } = await succeed(consumer, process.execPath, ['--input-type=module', '--eval', register])
  const names = text.split('\n').map((url) => url.replace(/^.*\/node_modules\/@org\/integrations-db\//, ''))
  return [...new Set(names.map((name) => name.replace(/^.*\/node_modules\/((@[^/]+\/)?[^/]+)\/.*$/, '$1')))]
    .filter((name) => name !== '' && !name.startsWith('node:') && !name.startsWith('data:'))
    .sort()
}

export async function succeed(folder: string, command: string, words: string[]): Promise<{ text: string }> {
  const { code, text } = await output(folder, command, words)
  if (code !== 0) throw new Error(`${command} ${words.slice(0, 3).join(' ')}: exit ${code}\n${text}`)
  return { text }
}
