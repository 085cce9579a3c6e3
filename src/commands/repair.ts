import { IntegrationsDbError } from '../errors.ts'
import { adminUrl, apply, command, database, type Outcome, readText, terminate } from './command.ts'
import { applying, summary } from './maintenance.ts'

export const repairCommand = command({
  name: 'repair',
  summary: 'Find malformed configuration documents and schedules; quarantine and reset them.',
  details: 'A document that is reset is kept in an event, and its organization is alerted.',
  example: 'integrations-db repair --apply',
  options: {
    ...apply,
    ...terminate,
    restore: {
      type: 'string',
      value: 'EVENT',
      description: 'Put the document that this event keeps back, once it breaks no rule.',
      example: '--restore 00000000-0000-4000-8000-000000000000',
    },
    document: {
      type: 'string',
      value: 'FILE',
      description: 'Put this JSON document in its place instead of the kept one.',
      fallback: 'the kept document',
      example: '--document corrected.json',
      needs: 'restore',
    },
    ...database,
  },
  async run({ url, restore: event, document, apply: really, terminate: ending }) {
    if (event !== undefined) return restored(adminUrl({ url }), event, document)
    const { repair } = await import('../admin/repair.ts')
    const report = await repair({ url: adminUrl({ url }), ...applying({ apply: really, terminate: ending }) })
    const { malformed, quarantined, outdated, failures, ended } = report
    const place = (one: { organizationId: string; integrationType: string }) =>
      `${one.organizationId} ${one.integrationType}`
    const lines = [
      // Organizations side by side, whatever is wrong with them.
      ...[
        ...malformed.findings.map((one) => `${place(one)} ${one.path}: ${one.rule}`),
        ...outdated.documents.map((one) => `${place(one)} field_mappings: of an earlier version, rewritten as it is`),
      ].sort(),
      ...quarantined.map((one) => `quarantined ${place(one)} ${one.document}: event ${one.event}`),
      `${report.rows} integrations, ${malformed.rows} with malformed documents, ${outdated.rows} of an earlier version`,
    ]
    const left = malformed.rows + outdated.rows
    const outcome = summary({ lines, done: 'repaired', failures, ended, left }, really)
    return { report, ...outcome, findings: outcome.findings || (!really && malformed.rows > 0) }
  },
})

async function restored(url: string, event: string, file: string | undefined): Promise<Outcome> {
  const { restore } = await import('../admin/restore.ts')
  const report = await restore({ url, event, ...(file === undefined ? {} : { document: readJson(file) }) })
  return {
    report,
    text: `${report.document} of ${report.integrationType}, organization ${report.organizationId}, is back`,
  }
}

function readJson(file: string): unknown {
  const text = readText(file)
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own message quotes the text.
    throw new IntegrationsDbError('invalid_input', `${file}: cannot be read as a document: is no JSON`)
  }
}
