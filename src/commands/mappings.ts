import type { MappingsPreview } from '../admin/mappings-preview.ts'
import { adminUrl, command, database } from './command.ts'

export const mappingsPreviewCommand = command({
  name: 'mappings preview',
  summary: 'Resolve sample records with stored mappings.',
  details: 'Prints a table of values and problems, and writes nothing. Exits 1 where a record has a problem.',
  example: 'integrations-db mappings preview --organization ID --type xledger --records invoices.jsonl',
  options: {
    organization: {
      type: 'string',
      value: 'ID',
      description: 'Use the mappings of this organization.',
      example: '--organization 00000000-0000-4000-8000-000000000000',
      required: true,
    },
    type: {
      type: 'string',
      value: 'T',
      description: 'Use the mappings of this system.',
      example: '--type xledger',
      required: true,
    },
    records: {
      type: 'string',
      value: 'FILE.jsonl',
      description: 'Read the records from this file, one JSON document a line; - is standard input.',
      example: '--records invoices.jsonl',
      required: true,
    },
    ...database,
  },
  async run({ url, organization, type, records: file }) {
    const { previewFile } = await import('../admin/mappings-preview.ts')
    const report = await previewFile({
      url: adminUrl({ url }),
      organizationId: organization,
      integrationType: type,
      file,
    })
    return { report, text: textOf(report), findings: report.failed > 0 || report.problems.length > 0 }
  },
})

function textOf({ problems, records, failed }: MappingsPreview): string {
  if (problems.length > 0) return problems.map(({ path, rule }) => `${path}: ${rule}`).join('\n')
  const fields = [...new Set(records.flatMap(({ values }) => Object.keys(values)))]
  const rows = records.map(({ record, values, problems }) => [
    String(record),
    ...fields.map((field) => cell(values[field])),
    problems.map(({ path, rule }) => `${path.replace(/^field_mappings[.]/, '')}: ${rule}`).join('; '),
  ])
  return [
    ...aligned([['record', ...fields, 'problems'], ...rows]),
    `${records.length} records, ${failed} with problems`,
  ].join('\n')
}

const widest = 40

/** A record may hold what a terminal would obey. */
function cell(value: unknown): string {
  const text = value === undefined ? '' : String(value)
  const shown = text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`)
  return shown.length > widest ? `${shown.slice(0, widest - 1).toWellFormed()}…` : shown
}

function aligned(rows: string[][]): string[] {
  // Not spread into Math.max: so many arguments as a file may have lines overflow the stack.
  const widths = (rows[0] ?? []).map((_, i) => rows.reduce((width, row) => Math.max(width, row[i]?.length ?? 0), 0))
  return rows.map((row) =>
    row
      .map((text, i) => text.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
