import type { Progress } from '../admin/connection.ts'

/** A bar on standard error, redrawn in place; silent where nobody looks at a terminal. */
export function progressBar(stream: NodeJS.WriteStream = process.stderr): Progress {
  return (done, all) => {
    if (!stream.isTTY) return
    const filled = Math.floor((done / all) * 30)
    stream.write(`\r[${'#'.repeat(filled)}${'-'.repeat(30 - filled)}] ${done}/${all}${done === all ? '\n' : ''}`)
  }
}

/** Why nothing happens for a while. */
export function waiting(): void {
  console.error('somebody else is migrating this database; waiting until they are done')
}
