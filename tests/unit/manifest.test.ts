import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const { dependencies, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
const comes = (name: string) => name in dependencies || name in peerDependencies

const imported = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .flatMap((file) => [
    ...readFileSync(join('src', file), 'utf8').matchAll(/^(?:import|export) .*from '([^.'][^']*)'/gm),
  ])
  .map(([, name = '']) => /^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name)
const packages = [...new Set(imported)].filter((name) => !name.startsWith('node:') && !builtinModules.includes(name))

test('every package that the source imports comes with ours', () => {
  expect(packages).toEqual(expect.arrayContaining(['pg', 'zod', 'drizzle-orm']))
  expect(packages.filter((name) => !comes(name))).toEqual([])
})

/** Who checks declarations too is otherwise told that the package has none. */
test('what declares the types of such a package comes with ours as well', () => {
  const declaresItself = (name: string) => {
    const { types, typings, exports } = JSON.parse(readFileSync(join('node_modules', name, 'package.json'), 'utf8'))
    return (
      types ||
      typings ||
      JSON.stringify(exports ?? '').includes('.d.') ||
      existsSync(join('node_modules', name, 'index.d.ts'))
    )
  }
  expect(packages.filter((name) => !declaresItself(name) && !comes(`@types/${name}`))).toEqual([])
})
