import type { Finding } from './finding.ts'

/** What doctor found. `healthy` is false where there is drift, and with `strict` where there is advice. */
export type DoctorReport = { healthy: boolean; findings: Finding[] }

/** A report of findings, however they were made. */
export function report(findings: Finding[], strict = false): DoctorReport {
  const counts = strict ? ['drift', 'advice'] : ['drift']
  return { healthy: !findings.some(({ severity }) => counts.includes(severity)), findings }
}

/** Findings as a person likes to read them. */
export function doctorText({ findings }: DoctorReport): string {
  const count = (severity: Finding['severity']) => findings.filter((one) => one.severity === severity).length
  const sums = `${count('drift')} drift, ${count('advice')} advice, ${count('information')} information`
  const end = findings.length === 0 ? 'as the migrations make it; nothing to advise' : sums
  return [...findings.map(findingText), end].join('\n\n')
}

function findingText({ severity, what, where, expected, found, fix, hint }: Finding): string {
  const parts = Object.entries({ expected, found, fix, hint }).filter(([, text]) => text !== null)
  const indented = (text: string | null) => text?.replaceAll('\n', '\n            ')
  return [
    `${severity}: ${what}: ${where}`,
    ...parts.map(([name, text]) => `  ${name.padEnd(8)}  ${indented(text)}`),
  ].join('\n')
}
