/*
 * `npm run test:node`: the build, the library's tests and the packed package on a newer Node, which comes out of npm and
 * which a newcomer's `npm ci` does not pay for. The lowest Node that is supported is the one that runs all else.
 */
import { delimiter, join } from 'node:path'
import { installInto, keptFolder, run, testFile } from './temporary.ts'

const version = '24.21.0'
const files = ['package', 'integrations', 'isolation', 'credentials', 'logins', 'refusals', 'round-trips', 'survival']

const system = process.platform === 'win32' ? 'win' : process.platform
const name = `node-${system}-${process.arch}`
const folder = keptFolder('node')
// The binary's own package: package `node` only downloads it, in an install script, which npm may be told not to run.
await installInto(folder, `${name}@${version}`)
const environment = { PATH: [join(folder, 'node_modules', name, 'bin'), process.env.PATH].join(delimiter) }
await run('node', ['--version'], { environment })
await run('npm', ['run', 'build'], { environment })
await run('npx', ['vitest', 'run', '--mode', 'ci', '--reporter=dot', ...files.map(testFile)], { environment })
