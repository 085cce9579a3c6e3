import { writeFileSync } from 'node:fs'
import { command, readText, UsageError } from './command.ts'

export const registryCommand = command({
  name: 'registry',
  usage: '--dart OUT.dart | --check FILE.dart',
  summary: 'the Dart side of the enums: writes it, or says what differs',
  example: 'integrations-db registry --check lib/integrations.dart',
  options: { dart: { type: 'string' }, check: { type: 'string' } },
  async run({ dart, check }) {
    if ((dart === undefined) === (check === undefined)) {
      throw new UsageError('--dart OUT.dart or --check FILE.dart, one of them')
    }
    if (dart !== undefined) {
      const { dartSource } = await import('../registry/dart.ts')
      writeFileSync(dart, dartSource())
      return { report: { written: dart }, text: `wrote ${dart}` }
    }
    const { dartFindings } = await import('../registry/dart-check.ts')
    const findings = dartFindings(readText(check ?? ''))
    const lines = findings.map(
      ({ where, expected, found, remedy }) => `${where}: expected ${expected}, found ${found}; ${remedy}`,
    )
    return {
      report: { findings },
      text: lines.length > 0 ? lines.join('\n') : `${check} has the labels of both enums`,
      findings: findings.length > 0,
    }
  },
})
