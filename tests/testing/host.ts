import { startTestDatabase } from '../../src/testing/index.ts'
import { dataFolderOf, postmaster } from './servers.ts'

/* A test process that starts databases at once, says what there is of them, and then ends or waits for what happens to it. */

const [count, end] = process.argv.slice(2)
const databases = await Promise.all(Array.from({ length: Number(count) }, () => startTestDatabase()))
const folders = await Promise.all(databases.map(({ adminUrl }) => dataFolderOf(adminUrl)))
console.log(JSON.stringify({ folders, pids: await Promise.all(folders.map(postmaster)) }))
if (end === 'exits') process.exit(3)
