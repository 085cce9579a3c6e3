import type { Access } from '../admin/management-api.ts'
import { toIntegrationsDbError } from '../connection/server-errors.ts'
import { IntegrationsDbError } from '../errors.ts'
import { access, type Outcome, UsageError } from './command.ts'

/* Commands over several databases, as an application has them that is split by organization. */

type Passed = { url?: string[] | undefined; 'project-ref'?: string | undefined }

/**
 * One database after the other, each with its own report under its host and name. One that fails does not stop the next,
 * and makes the exit status 1.
 */
export async function inEach(passed: Passed, run: (database: Access) => Promise<Outcome>): Promise<Outcome> {
  const { url: urls = [], 'project-ref': projectRef } = passed
  if (urls.length < 2) return run(access({ url: urls[0], 'project-ref': projectRef }))
  if (new Set(urls).size < urls.length) throw new UsageError('pass each --url once')
  const outcomes: (Outcome & { name: string })[] = []
  for (const url of urls) outcomes.push({ name: placeOf(url), ...(await run({ url }).catch(failed)) })
  return {
    report: { databases: outcomes.map(({ name, report }) => ({ database: name, ...report })) },
    text: outcomes.map(({ name, text }) => `${name}\n${text.replaceAll(/^(?=.)/gm, '  ')}`).join('\n\n'),
    findings: outcomes.some(({ findings }) => findings === true),
  }
}

function failed(error: unknown): Outcome {
  const { code, message } = error instanceof IntegrationsDbError ? error : toIntegrationsDbError(error)
  return { report: { error: { code, message } }, text: `error: ${message}`, findings: true }
}

/** Without login and password. */
function placeOf(url: string): string {
  try {
    const { host, pathname } = new URL(url)
    return `${host}${pathname}`
  } catch {
    throw new UsageError('--url: is no URL')
  }
}
