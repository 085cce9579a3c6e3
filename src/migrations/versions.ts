/** The 14 digits of a moment, in UTC. */
export function versionAt(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\D/g, '').slice(0, 14)
}

/** `wanted`, or the second after `previous` where that is not later: versions only ever grow. */
export function laterThan(previous: string | undefined, wanted: string): string {
  return previous === undefined || wanted > previous ? wanted : secondAfter(previous)
}

function secondAfter(version: string): string {
  const [year = 0, month = 1, ...rest] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(version)?.slice(1).map(Number) ?? []
  const [day, hour, minute, second = 0] = rest
  return versionAt(Date.UTC(year, month - 1, day, hour, minute, second + 1))
}
