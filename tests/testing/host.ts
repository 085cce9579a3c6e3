import { startEmbeddedServer } from '../../src/testing/embedded.ts'
import { postmaster } from './servers.ts'

/* A test process that starts servers at once, says what there is of them, and then ends or waits for what happens to it. */

const [count, end] = process.argv.slice(2)
const servers = await Promise.all(Array.from({ length: Number(count) }, () => startEmbeddedServer()))
const folders = servers.map(({ folder }) => folder)
console.log(JSON.stringify({ folders, pids: await Promise.all(folders.map(postmaster)) }))
if (end === 'exits') process.exit(3)
