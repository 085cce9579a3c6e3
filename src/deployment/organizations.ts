import { fileName, type MigrationFile } from './files.ts'

/**
 * The file of a project after which `public.organizations` is there, or undefined where none makes it. By words, also
 * inside of a DO block: what a project's own files hold need not be what our parser reads.
 */
export function creatorOfOrganizations(files: MigrationFile[]): string | undefined {
  let creator: string | undefined
  for (const file of files) {
    for (const { groups } of withoutComments(file.text).matchAll(events)) {
      if (groups?.made !== undefined) creator ??= fileName(file)
      else creator = undefined
    }
  }
  return creator
}

const table = String.raw`(?:"?public"?\s*\.\s*)?"?organizations"?(?![\w"])`
const ifThere = String.raw`(?:if\s+(?:not\s+)?exists\s+)?(?:only\s+)?`
const events = new RegExp(
  [
    String.raw`(?<made>\bcreate\s+(?:unlogged\s+)?table\s+${ifThere}${table}`,
    String.raw`\brename\s+to\s+"?organizations"?(?![\w"])`,
    String.raw`\balter\s+table\s+${ifThere}[\w".]+\.\s*"?organizations"?\s+set\s+schema\s+"?public"?(?![\w"]))`,
    String.raw`\bdrop\s+table\s+${ifThere}${table}`,
    String.raw`\balter\s+table\s+${ifThere}${table}\s+(?:rename\s+to|set\s+schema)\b`,
  ].join('|'),
  'gi',
)

function withoutComments(text: string): string {
  return text.replaceAll(/--[^\n]*|\/\*[\s\S]*?\*\//g, ' ')
}
