import { lstat, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { IntegrationsDbError } from '../errors.ts'

/** A file to write: where, and what. */
export type NewFile = { path: string; content: string | Uint8Array }

/**
 * Writes new files, all of them whole or none at all: each first under another name beside its own, and on the disk,
 * before the first is given its name. A disk that is full half-way leaves what was there.
 */
export async function writeWhole(files: readonly NewFile[]): Promise<void> {
  const made: string[] = []
  try {
    const drafts: string[] = []
    for (const { path, content } of files) {
      const draft = await draftOf(path)
      drafts.push(draft)
      if (draft !== path) made.push(draft)
      await naming(path, async () => {
        await mkdir(dirname(path), { recursive: true })
        await writeFile(draft, content, { flush: draft !== path })
      })
    }
    for (const [i, { path }] of files.entries()) {
      const draft = drafts[i] ?? path
      if (draft === path) continue
      await naming(path, () => rename(draft, path))
      made.push(path)
    }
  } catch (error) {
    await Promise.all(made.map((path) => rm(path, { force: true }).catch(() => {})))
    throw error
  }
}

/** A device or a link stays what it is, and is written as such. */
async function draftOf(path: string): Promise<string> {
  const there = await lstat(path).catch(() => undefined)
  return there === undefined || there.isFile() ? join(dirname(path), `.${basename(path)}.${process.pid}.tmp`) : path
}

/** A write that fails for want of space says so of no file. */
async function naming(path: string, write: () => Promise<void>): Promise<void> {
  try {
    await write()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new IntegrationsDbError(
      'unavailable',
      `${path}: cannot be written (${code}), and nothing was; ${hints[code ?? ''] ?? 'name a path that can be written'}, and run it again`,
    )
  }
}

const hints: Readonly<Record<string, string>> = {
  ENOSPC: 'make room on the disk',
  EDQUOT: 'make room in the quota',
  EFBIG: 'raise the limit of file sizes (ulimit -f)',
  EROFS: 'write to a file system that is not read-only',
}
