import { IntegrationsDbError } from '../errors.ts'
import { adminUrl, apply, command, database, type Outcome, readText, UsageError } from './command.ts'
import { applying, summary } from './maintenance.ts'

export const repairCommand = command({
  name: 'repair',
  usage: '[--apply] | --restore EVENT [--document FILE]',
  summary: 'malformed documents: plan, or quarantine, reset and alert; --restore puts one back once it breaks no rule',
  example: 'integrations-db repair --apply',
  options: { ...database, ...apply, restore: { type: 'string' }, document: { type: 'string' } },
  async run({ url, restore: event, document, apply: really = false }) {
    if (event !== undefined) return restored(adminUrl({ url }), event, document)
    if (document !== undefined) throw new UsageError('--document belongs to --restore EVENT')
    const { repair } = await import('../admin/repair.ts')
    const report = await repair({ url: adminUrl({ url }), ...applying(really) })
    const { malformed, quarantined, outdated, failures } = report
    const lines = [
      ...malformed.findings.map((one) => `${one.organizationId} ${one.integrationType} ${one.path}: ${one.rule}`),
      ...quarantined.map(
        (one) => `quarantined ${one.organizationId} ${one.integrationType} ${one.document}: event ${one.event}`,
      ),
      `${report.rows} integrations, ${malformed.rows} with malformed documents, ${outdated} of an earlier version`,
    ]
    const left = malformed.rows + outdated
    const outcome = summary({ lines, done: 'repaired', failures, left }, really)
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
