import { createReadStream } from 'node:fs'
import type { PreviewedRecord } from '../config/preview.ts'
import { resolverOf } from '../config/resolve.ts'
import { fieldMappingsViolations, type Violation } from '../config/violations.ts'
import { IntegrationsDbError } from '../errors.ts'
import type { IntegrationType } from '../schema/enums.ts'
import { integrationType as integrationTypes } from '../schema/enums.ts'
import { uuid } from '../util/checks.ts'
import { withAdminConnection } from './connection.ts'

/** `problems` are the document's own; where it has any, no record is read. A record's number is its line's. */
export type MappingsPreview = {
  readonly organizationId: string
  readonly integrationType: IntegrationType
  readonly problems: readonly Violation[]
  readonly failed: number
  readonly records: readonly PreviewedRecord[]
}

type Question = { url: string; organizationId: string; integrationType: string; file: string }

/** What an integration's stored mappings make of the records of a file: one JSON document a line. Nothing is written. */
export async function previewFile({ url, organizationId, integrationType, file }: Question): Promise<MappingsPreview> {
  const of = { organizationId: uuid('organization', organizationId), integrationType: knownType(integrationType) }
  const mappings = await storedMappings(url, of)
  const problems = fieldMappingsViolations(mappings)
  const records: PreviewedRecord[] = []
  if (problems.length === 0) for await (const one of resolvedLines(mappings, file)) records.push(one)
  const failed = records.filter((one) => one.problems.length > 0).length
  return { ...of, problems, failed, records }
}

async function storedMappings(
  url: string,
  { organizationId, integrationType }: { organizationId: string; integrationType: IntegrationType },
): Promise<unknown> {
  const rows = await withAdminConnection(url, (sql) =>
    sql.begin(async (tx) => {
      // A login that the policies bind would see no row and say that there is none.
      await tx`set transaction read only`
      await tx`set local row_security = off`
      return tx<{ mappings: unknown }[]>`
        select field_mappings as mappings from public.organization_integrations
        where organization_id = ${organizationId} and integration_type = ${integrationType}::text::public.integration_type_enum`
    }),
  )
  if (rows[0] !== undefined) return rows[0].mappings
  throw new IntegrationsDbError(
    'not_found',
    `integrationType ${integrationType}: organization ${organizationId} has no such integration; create it first`,
  )
}

async function* resolvedLines(mappings: unknown, file: string): AsyncGenerator<PreviewedRecord> {
  const resolve = resolverOf(mappings)
  let record = 0
  for await (const line of linesOf(file)) {
    record += 1
    const text = line.replace(/^\uFEFF/, '').trim()
    if (text !== '') yield { record, ...resolvedLine(text, resolve) }
  }
}

async function* linesOf(file: string): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of chunksOf(file)) {
    const lines = `${rest}${chunk}`.split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  yield rest
}

/** `-` is standard input, as for other programs. */
async function* chunksOf(file: string): AsyncGenerator<string> {
  try {
    yield* file === '-' ? process.stdin.setEncoding('utf8') : createReadStream(file, 'utf8')
  } catch (error) {
    // Of a folder the error has no path.
    const { code } = error as NodeJS.ErrnoException
    throw new IntegrationsDbError(
      'invalid_input',
      `records ${file}: cannot be read (${code}); name a file of JSON lines`,
    )
  }
}

function resolvedLine(text: string, resolve: ReturnType<typeof resolverOf>) {
  let record: unknown
  try {
    record = JSON.parse(text)
  } catch {
    // The parser's own message quotes the text.
    return { values: {}, problems: [{ path: 'record', rule: 'must be one JSON document on a line' }] }
  }
  return resolve(record)
}

function knownType(given: string): IntegrationType {
  const known = integrationTypes.enumValues.find((label) => label === given)
  if (known !== undefined) return known
  throw new IntegrationsDbError('invalid_input', `type: must be one of ${integrationTypes.enumValues.join(', ')}`)
}
