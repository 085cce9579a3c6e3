import { readFileSync } from 'node:fs'
import type { Access } from '../admin/management-api.ts'
import { IntegrationsDbError } from '../errors.ts'

/** One option, declared once: parsing, usage, `--help` and docs/cli.md read it. */
export type Option = {
  type: 'string' | 'boolean'
  short?: string
  /** Stands for the value in the usage; what has type `string` has one. */
  value?: string
  description: string
  /** Its value where it is not passed. */
  default?: string | boolean
  /** Says where the value comes from where it is not passed and `default` cannot. */
  fallback?: string
  example: string
  required?: boolean
  /** It may be passed several times; its values are a list. */
  many?: true
  /** The option without which this one means nothing. */
  needs?: string
}
export type Options = { readonly [flag: string]: Option }
type Value<O extends Option> = O['type'] extends 'boolean' ? boolean : O extends { many: true } ? string[] : string
/** The parsed values of declared options. */
export type Flags<O extends Options> = {
  [F in keyof O]: O[F] extends { default: string | boolean } | { required: true }
    ? Value<O[F]>
    : Value<O[F]> | undefined
}

/** What `--json` prints, and the same as text; `findings` is exit status 1. `more` is printed as it comes. */
export type Outcome = { report: object; text: string; findings?: boolean; more?: AsyncIterable<Outcome> }

/** A command parses its arguments, calls one function and prints what that returned. */
export type Command<O extends Options = Options> = {
  /** One word, or two such as `login create`. */
  name: string
  summary: string
  /** More paragraphs of help. */
  details?: string
  /** The positional argument it takes, if any. */
  argument?: { name: string; description: string }
  options: O
  /** Options of which at most one is passed, exactly one where `required`. */
  choices?: readonly { of: readonly (keyof O & string)[]; required: boolean }[]
  example: string
  /** Loads its code when it runs: help and wrong usage cost no more than Node itself. */
  run(flags: Flags<O> & { json: boolean }, argument: string): Promise<Outcome>
}

/** Keeps the flags' types inside the command; outside, all commands are alike. */
export function command<const O extends Options>(definition: Command<O>): Command {
  return definition as unknown as Command
}

/** Wrong usage: exit status 2. Never quotes an argument, which may be a URL with its password. */
export class UsageError extends Error {}

/** Options of every command. */
export const common = {
  json: {
    type: 'boolean',
    description: 'Print one JSON document on standard output and nothing else there.',
    default: false,
    example: '--json',
  },
  debug: {
    type: 'boolean',
    description: "Print an error's stack trace.",
    default: false,
    example: '--debug',
  },
  help: {
    type: 'boolean',
    short: 'h',
    description: 'Print the help of one command.',
    default: false,
    example: '--help',
  },
} as const satisfies Options

/** Options of commands that need a database. */
export const database = {
  url: {
    type: 'string',
    value: 'URL',
    description: "Connect with this administrator's URL.",
    fallback: 'INTEGRATIONS_ADMIN_URL',
    example: '--url "$INTEGRATIONS_ADMIN_URL"',
  },
} as const satisfies Options

/** Options of commands that also work through the Management API. */
export const project = {
  ...database,
  'project-ref': {
    type: 'string',
    value: 'REF',
    description: 'Go through the Supabase Management API of this project, with SUPABASE_ACCESS_TOKEN.',
    example: '--project-ref abcdefghijklmnopqrst',
  },
} as const satisfies Options
/** Options of commands that see to several databases, one after the other. */
export const databases = {
  ...project,
  url: {
    ...database.url,
    many: true,
    description: "Connect with this administrator's URL; pass it once per database.",
  },
} as const satisfies Options
export const projectOrUrl = [{ of: ['url', 'project-ref'], required: false }] as const

export const folder = {
  supabase: {
    type: 'string',
    value: 'DIR',
    description: 'Use the Supabase folder that holds migrations/ and rollbacks/.',
    fallback: "this package's own",
    example: '--supabase supabase',
  },
} as const satisfies Options

/** Of commands that wait for locks. */
export const terminate = {
  terminate: {
    type: 'boolean',
    description: 'End the sessions that hold a lock in the way.',
    default: false,
    example: '--terminate',
  },
} as const satisfies Options

export const apply = {
  apply: {
    type: 'boolean',
    description: 'Make the changes. Without it the command prints its plan and changes nothing.',
    default: false,
    example: '--apply',
  },
} as const satisfies Options

export function adminUrl({ url = process.env.INTEGRATIONS_ADMIN_URL }: { url?: string | undefined }): string {
  if (url) return url
  throw new UsageError("missing database: pass --url or set INTEGRATIONS_ADMIN_URL, an administrator's URL")
}

/** The project, where one is named; else the database. */
export function access(flags: { url?: string | undefined; 'project-ref'?: string | undefined }): Access {
  const { url, 'project-ref': projectRef } = flags
  if (projectRef === undefined) return { url: adminUrl({ url }) }
  return { projectRef, ...given({ apiUrl: process.env.SUPABASE_API_BASE_URL }) }
}

/** Without the keys whose value is missing: options that were not passed are not handed on as undefined. */
export function given<T extends object>(flags: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

/** Names under a heading, or a text where there are none. */
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
