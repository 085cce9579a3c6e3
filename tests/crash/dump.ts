import { execFileSync } from 'node:child_process'

/** The schema as pg_dump prints it; undefined where none is installed that reads this server's version. */
export function pgDump(url: string): string | undefined {
  try {
    const flags = ['--schema-only', '--exclude-schema=supabase_migrations']
    const text = execFileSync('pg_dump', [...flags, url], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    // Newer ones guard their output with a random token.
    return text.replaceAll(/^\\(un)?restrict .*$/gm, '')
  } catch (error) {
    const { code, stderr = '' } = error as { code?: string; stderr?: string }
    if (code === 'ENOENT' || stderr.includes('server version mismatch')) return undefined
    throw error
  }
}
