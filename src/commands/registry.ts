import { command, readText } from './command.ts'
import { withOldNames } from './old-names.ts'

export const registryCommand = command({
  name: 'registry',
  summary: 'Generate or check Dart constants.',
  example: 'integrations-db registry --check lib/integrations.dart',
  options: {
    dart: {
      type: 'string',
      value: 'OUT.dart',
      description: 'Write the constants and descriptions to this file.',
      example: '--dart lib/integrations.dart',
    },
    check: {
      type: 'string',
      value: 'FILE.dart',
      description: 'Compare the constants of this file with our enums; exit 1 where they differ.',
      example: '--check lib/integrations.dart',
    },
  },
  choices: [{ of: ['dart', 'check'], required: true }],
  async run({ dart, check }) {
    if (dart !== undefined) {
      const { dartSource } = await import('../registry/dart.ts')
      const { writeWhole } = await import('../util/whole-files.ts')
      await writeWhole([{ path: dart, content: dartSource() }])
      return { report: { written: dart }, text: `wrote ${dart}` }
    }
    const { dartFindings } = await import('../registry/dart-check.ts')
    const findings = dartFindings(readText(check ?? ''))
    const lines = findings.map(
      ({ where, expected, found, hint }) => `${where}: expected ${expected}, found ${found}; ${hint}`,
    )
    return {
      report: { findings: findings.map(withOldNames) },
      text: lines.length > 0 ? lines.join('\n') : `${check} has the labels of both enums`,
      findings: findings.length > 0,
    }
  },
})
