import { IntegrationsDbError } from '../errors.ts'
import { adminUrl, apply, command, database, type Outcome, readText, terminate, UsageError } from './command.ts'
import { applying, summary } from './upkeep.ts'

export const repairCommand = command({
  name: 'repair',
  usage: '[--apply] [--terminate] | --restore EVENT [--document FILE]',
  summary: 'malformed documents: plan, or quarantine, reset and alert; --restore puts one back once it breaks no rule',
  example: 'integrations-db repair --apply',
  options: { ...database, ...apply, ...terminate, restore: { type: 'string' }, document: { type: 'string' } },
  async run({ url, restore: event, document, apply: really = false, terminate: ending = false }) {
    if (event !== undefined) return restored(adminUrl({ url }), event, document)
    if (document !== undefined) throw new UsageError('--document belongs to --restore EVENT')
    const { repair } = await import('../repair.ts')
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
  const { restore } = await import('../restore.ts')
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
