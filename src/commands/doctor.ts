import { access, command, project } from './command.ts'

export const doctorCommand = command({
  name: 'doctor',
  usage: '[--project-ref REF] [--strict]',
  summary:
    'the live catalog against the expected one, each difference with the SQL that mends it; advice counts with --strict',
  example: 'integrations-db doctor --strict',
  options: { ...project, strict: { type: 'boolean', default: false } },
  async run({ strict = false, ...flags }) {
    const [{ doctor }, { doctorText }] = await Promise.all([
      import('../doctor/doctor.ts'),
      import('../doctor/report.ts'),
    ])
    const report = await doctor({ ...access(flags), strict })
    return { report, text: doctorText(report), findings: !report.healthy }
  },
})
