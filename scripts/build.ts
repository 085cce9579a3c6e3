/* `npm run build`: declarations by tsc, modules by esbuild, and JSON Schemas, for what package.json names. */
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { bundle } from './bundle.ts'
import { writeJsonSchemas } from './json-schemas.ts'

rmSync('dist', { recursive: true, force: true })
execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit', shell: process.platform === 'win32' })
await bundle('dist')
writeJsonSchemas('dist/json-schema')
