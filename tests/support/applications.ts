import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { inject } from 'vitest'
import { pack, succeed } from './packed.ts'

/*
 * Applications around the packed package. All of a run lie in one folder, so that what they use is packed and installed
 * once: Node and every tool find it in the folder above.
 */

/** What no other test needs, and what a newcomer's `npm ci` does not pay for. */
const tools = {
  '@opentelemetry/api': '1.9.1',
  '@opentelemetry/context-async-hooks': '2.12.1',
  '@opentelemetry/sdk-trace-base': '2.12.1',
  bun: '1.4.5',
  deno: '2.9.6',
  'drizzle-seed': '0.3.1',
  'drizzle-zod': '0.8.3',
  jest: '30.5.2',
  'typescript-5': 'npm:typescript@5.9.3',
  vite: '8.3.8',
  webpack: '5.113.0',
  'webpack-cli': '7.3.1',
}
const ours = ['@types/node', 'drizzle-kit', 'drizzle-orm', 'postgres', 'tsx', 'zod']

/** A new folder for one application, with these files. */
export async function application(name: string, files: Record<string, string>): Promise<string> {
  const folder = join(await installed(), name)
  await mkdir(folder, { recursive: true })
  const manifest = { 'package.json': JSON.stringify({ private: true, type: 'module' }) }
  for (const [file, text] of Object.entries({ ...manifest, ...files })) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await writeFile(join(folder, file), text)
  }
  return folder
}

/** A program of theirs. */
export async function program(name: string): Promise<string> {
  return join(await installed(), 'node_modules', '.bin', name)
}

/** The folder that they lie in; whichever test file comes first fills it, and the others wait. */
export async function installed(): Promise<string> {
  const folder = join(dirname(inject('dist')), 'applications')
  const outcome = join(folder, 'installed.txt')
  const isFirst = await mkdir(folder).then(
    () => true,
    () => false,
  )
  if (isFirst) await writeFile(outcome, await install(folder).then(() => 'yes', String))
  while (!existsSync(outcome) || (await readFile(outcome, 'utf8')) === '') await pause(100)
  const said = await readFile(outcome, 'utf8')
  if (said !== 'yes') throw new Error(said)
  return folder
}

async function install(folder: string): Promise<void> {
  const versions = await Promise.all(
    ours.map(async (name) => {
      const { version } = JSON.parse(await readFile(join('node_modules', name, 'package.json'), 'utf8'))
      return [name, version as string] as const
    }),
  )
  const packing = join(folder, 'packing')
  await mkdir(packing)
  const dependencies = {
    ...tools,
    ...Object.fromEntries(versions),
    '@org/integrations-db': `file:${await pack(packing)}`,
  }
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }))
  await succeed(folder, 'npm', ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'])
}
