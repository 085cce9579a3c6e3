import { startTestDatabase } from '../../src/testing/index.ts'

/* A test process that starts databases at once, says where they are, and then ends or waits for what happens to it. */

const [count, end] = process.argv.slice(2)
const databases = await Promise.all(Array.from({ length: Number(count) }, () => startTestDatabase()))
console.log(JSON.stringify(databases.map(({ adminUrl }) => adminUrl)))
if (end === 'exits') process.exit(3)
