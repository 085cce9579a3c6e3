import { command, databases, projectOrUrl } from './command.ts'
import { withOldNames } from './old-names.ts'
import { inEach } from './several.ts'

export const doctorCommand = command({
  name: 'doctor',
  summary: 'Compare the live catalog with the expected one.',
  details:
    'Reports each schema drift once, with SQL that fixes it, and exits 1. Advice alone does not, but with --strict.',
  example: 'integrations-db doctor --strict',
  options: {
    strict: { type: 'boolean', description: 'Exit 1 for advice too.', default: false, example: '--strict' },
    ...databases,
  },
  choices: projectOrUrl,
  async run({ strict, ...flags }) {
    const [{ doctor }, { doctorText }] = await Promise.all([
      import('../doctor/doctor.ts'),
      import('../doctor/report.ts'),
    ])
    return inEach(flags, async (database) => {
      const report = await doctor({ ...database, strict })
      const findings = report.findings.map(withOldNames)
      return { report: { ...report, findings }, text: doctorText(report), findings: !report.healthy }
    })
  },
})
