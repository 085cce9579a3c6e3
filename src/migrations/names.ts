/* PostgreSQL's own rules for names: where it cuts them, and what it calls what nobody named. */

const bytesOf = (text: string) => Buffer.byteLength(text)

/** A name as PostgreSQL keeps it: its first 63 bytes, no character cut in two. */
export function cutTo63(name: string, most = 63): string {
  let cut = name
  while (bytesOf(cut) > most) cut = [...cut].slice(0, -1).join('')
  return cut
}

/** What PostgreSQL calls a constraint, index or sequence without a name, as `makeObjectName` and its callers do. */
export function implicitName(
  table: string,
  columns: string[],
  label: string,
  taken: (name: string) => boolean,
): string {
  for (let n = 0; ; n++) {
    const name = assembled(table, columns.join('_'), n === 0 ? label : `${label}${n}`)
    if (!taken(name)) return name
  }
}

/** The longer of the two names gives way first, until everything fits. */
function assembled(first: string, second: string, label: string): string {
  const room = 63 - bytesOf(label) - 1 - (second === '' ? 0 : 1)
  let [one, two] = [bytesOf(first), bytesOf(second)]
  while (one + two > room) {
    if (one > two) one--
    else two--
  }
  return [cutTo63(first, one), ...(second === '' ? [] : [cutTo63(second, two)]), label].join('_')
}
