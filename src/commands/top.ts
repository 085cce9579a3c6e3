import { setTimeout as pause } from 'node:timers/promises'
import type { Fleet } from '../admin/fleet.ts'
import { isTimeZone } from '../config/schedule.ts'
import { presentable } from '../errors.ts'
import { adminUrl, command, database, type Outcome, UsageError } from './command.ts'
import { fleetPage } from './fleet-page.ts'

const seconds = 2

export const topCommand = command({
  name: 'top',
  summary: 'Show what is due, runs and failed, the oldest alert, replicas and connections.',
  details:
    'On a terminal the page is read again every 2 seconds, until q or Ctrl-C; elsewhere, and with --json, once. Changes nothing.',
  example: 'integrations-db top --json',
  options: {
    'time-zone': {
      type: 'string',
      value: 'ZONE',
      description: 'Read schedules by the clock of this time zone, an IANA name.',
      default: 'UTC',
      example: '--time-zone Europe/Oslo',
    },
    ...database,
  },
  async run({ url, json, 'time-zone': timeZone }) {
    if (!isTimeZone(timeZone)) throw new UsageError('--time-zone must be an IANA name such as Europe/Oslo')
    const { readFleet } = await import('../admin/fleet.ts')
    const target = adminUrl({ url })
    const read = () => readFleet(target, timeZone)
    const fleet = await read()
    if (!json && process.stdout.isTTY) return { report: {}, text: '', more: live(fleet, read) }
    return { report: fleet, text: fleetPage(fleet, 80).join('\n') }
  },
})

/** The page again and again. A server that is away, or does not answer in time, is asked again. */
async function* live(fleet: Fleet, read: () => Promise<Fleet>): AsyncGenerator<Outcome> {
  takeTerminal()
  let [last, note] = [fleet, 'q ends']
  for (;;) {
    yield { report: {}, text: frame(fleetPage(last, process.stdout.columns || 80), note) }
    await pause(seconds * 1000)
    try {
      ;[last, note] = [await read(), 'q ends']
    } catch (error) {
      note = `not read since: ${presentable((error as Error).message)}`
    }
  }
}

/** Written over the frame before it, so that nothing flickers. */
function frame(lines: string[], note: string): string {
  const { rows, columns } = process.stdout
  const shown = [...lines.slice(0, Math.max(1, (rows || 24) - 3)), '', note.slice(0, columns || 80)]
  return `\u001b[H${shown.map((line) => `${line}\u001b[K`).join('\n')}\u001b[J`
}

/** The alternate screen without a cursor, and single keys; given back however the process ends. */
function takeTerminal(): void {
  const { stdin, stdout } = process
  stdout.write('\u001b[?1049h\u001b[?25l')
  process.once('exit', () => {
    if (stdin.isTTY) stdin.setRawMode(false)
    stdout.write('\u001b[?25h\u001b[?1049l')
  })
  process.once('SIGTERM', () => process.exit(143))
  process.once('SIGHUP', () => process.exit(129))
  if (!stdin.isTTY) return
  stdin.setRawMode(true).on('data', (keys) => {
    if (/[qQ]/.test(String(keys))) process.exit(0)
    if (String(keys).includes('\u0003')) process.exit(130)
  })
}
