import { readFileSync } from 'node:fs'
import type { parseArgs } from 'node:util'
import type { Access } from '../admin/management-api.ts'
import { IntegrationsDbError } from '../errors.ts'

// Spelled out: declarations cannot name what node:util does not export.
type Options = {
  [flag: string]: { type: 'string' | 'boolean'; short?: string; default?: string | boolean; multiple?: boolean }
}
type Flags<O extends Options> = ReturnType<typeof parseArgs<{ options: O }>>['values']

/** What `--json` prints, and the same as text; `findings` is exit status 1. */
export type Outcome = { report: object; text: string; findings?: boolean }

/** A command parses its words, calls one function and says what that returned. */
export type Command<O extends Options = Options> = {
  /** One word, or two such as `login create`. */
  name: string
  /** The one further word it takes, if any. */
  word?: string
  /** Its options. */
  usage: string
  summary: string
  example: string
  options: O
  /** Loads what it runs when it runs: help and a wrong word cost no more than Node itself. */
  run(flags: Flags<O>, word: string): Promise<Outcome>
}

/** Keeps the flags' types inside the command; outside, all commands are alike. */
export function command<const O extends Options>(definition: Command<O>): Command {
  return definition as unknown as Command
}

/** A command as it is called. */
export function signature({ name, word, usage }: Command): string {
  return [name, word, usage].filter(Boolean).join(' ')
}

/** Wrong words: exit status 2. Never quotes a word, which may be a URL with its password. */
export class UsageError extends Error {}

/** Of every command. */
export const common = {
  json: { type: 'boolean', default: false },
  debug: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const satisfies Options

/** Of those that need a database. */
export const database = { url: { type: 'string' } } as const satisfies Options
/** Of those that also work through the Management API. */
export const project = { ...database, 'project-ref': { type: 'string' } } as const satisfies Options
export const folder = { supabase: { type: 'string' } } as const satisfies Options
export const apply = { apply: { type: 'boolean', default: false } } as const satisfies Options

export function adminUrl({ url = process.env.INTEGRATIONS_ADMIN_URL }: { url?: string | undefined }): string {
  if (url) return url
  throw new UsageError("the database is missing: --url or INTEGRATIONS_ADMIN_URL, an administrator's URL")
}

/** The project, where one is named; else the database. */
export function access(flags: { url?: string | undefined; 'project-ref'?: string | undefined }): Access {
  const { url, 'project-ref': projectRef } = flags
  if (projectRef === undefined) return { url: adminUrl({ url }) }
  if (url !== undefined) throw new UsageError('--url or --project-ref, one of them')
  return { projectRef, ...given({ apiUrl: process.env.SUPABASE_API_BASE_URL }) }
}

/** Without the keys whose value is missing: options that were not given are not handed on as undefined. */
export function given<T extends object>(flags: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

/** Names under a heading, or what is said where there are none. */
export function listed(heading: string, names: string[], none: string): string {
  return names.length > 0 ? [heading, ...names.map((name) => `  ${name}`)].join('\n') : none
}

export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new IntegrationsDbError(
      'not_found',
      `${file}: cannot be read (${(error as { code?: string }).code}); name a file that is there`,
    )
  }
}
