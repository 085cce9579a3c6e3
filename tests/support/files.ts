import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The text of each file of `supabase/migrations` or `supabase/rollbacks`, by name, oldest first. */
export function sqlFiles(folder: 'migrations' | 'rollbacks'): { name: string; text: string }[] {
  const path = join('supabase', folder)
  return readdirSync(path)
    .sort()
    .map((name) => ({ name, text: readFileSync(join(path, name), 'utf8') }))
}
