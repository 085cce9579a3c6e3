import type { Fleet } from '../admin/fleet.ts'
import { presentable } from '../errors.ts'
import { alertLine, printable } from './alerts.ts'
import { bold } from './help.ts'

/** A fleet as lines for a terminal, none longer than `columns`. */
export function fleetPage(fleet: Fleet, columns: number): string[] {
  const { database, at, due, running, failed, alerts, replicas, connections } = fleet
  const { max, logins } = connections
  const since = (oldest: string | null) => (oldest === null ? '' : `oldest since ${short(oldest)} (${age(oldest, at)})`)
  const count = (all: readonly { count: number }[]) => all.reduce((sum, one) => sum + one.count, 0)
  const oldest =
    alerts.oldest === null ? '' : alertLine({ ...alerts.oldest, createdAt: short(alerts.oldest.createdAt) })
  const lines = [
    ...table([
      ['Due', `${due.count}`, since(due.oldest)],
      ['Running', `${running.count}`, since(running.oldest)],
      ['Failed', `${count(failed)}`, 'in the last day'],
      ...failed.map(({ integrationType, count }) => [`  ${integrationType}`, `${count}`]),
      ['Alerts', `${alerts.pending}`, oldest],
      ...(due.unreadable > 0 ? [['Unreadable', `${due.unreadable}`, 'schedules; see doctor']] : []),
    ]),
    '',
    ...table([
      ['Replicas', 'state', 'behind', ''],
      ...replicas.map(({ name, state, lagBytes, lagSeconds }) => [
        `  ${name}`,
        state ?? 'hidden',
        lagBytes === null ? '' : `${lagBytes} bytes`,
        lagSeconds === null ? '' : `${lagSeconds.toFixed(1)} s`,
      ]),
      ...(replicas.length === 0 ? [['  none']] : []),
    ]),
    '',
    ...table([
      ['Connections', 'total', 'active', 'idle', 'idle in transaction'],
      ...logins.map(({ login, total, active, idle, idleInTransaction }) =>
        [`  ${login}`, total, active, idle, idleInTransaction].map(String),
      ),
      [`  of ${max}`, `${logins.reduce((sum, { total }) => sum + total, 0)}`],
    ]),
  ]
  const title = `integrations-db top: ${database}, ${short(at)} UTC`
  return [title, '', ...lines].map((line) => styled(cut(printable(presentable(line)), columns)))
}

/** Cells in columns as wide as their longest, up to a limit. */
function table(rows: readonly string[][]): string[] {
  const width = (i: number) => Math.min(30, Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cut(cell, width(i)).padEnd(width(i))))
      .join('  ')
      .trimEnd(),
  )
}

/** What begins a group begins its line. */
const styled = (line: string) => line.replace(/^\S+/, (word) => bold(word))

const cut = (text: string, length: number) => (text.length > length ? `${text.slice(0, length - 3)}...` : text)

const short = (time: string) => time.slice(0, 19).replace('T', ' ')

function age(from: string, to: string): string {
  const minutes = Math.max(0, Math.floor((Date.parse(to) - Date.parse(from)) / 60_000))
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60)]
  if (days > 0) return `${days} d ${hours % 24} h`
  return hours > 0 ? `${hours} h ${minutes % 60} min` : `${minutes} min`
}
