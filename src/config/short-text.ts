import { z } from 'zod'
import { check } from '../util/checks.ts'
import { lazily } from '../util/lazily.ts'
import { credentialProblem } from './violations.ts'

/** A text of 1 to so many characters that PostgreSQL can hold and that looks like no credential. */
export const textUpTo = (characters: number) =>
  z
    .string()
    .min(1)
    .max(characters)
    .refine(
      (given) => given.isWellFormed() && !given.includes('\0'),
      'must hold no NUL character and no half of a surrogate pair, which PostgreSQL cannot store',
    )
    .check((given) => {
      const problem = credentialProblem(given.value)
      if (problem !== null) given.issues.push({ code: 'custom', message: problem, input: 'a text' })
    })

/** What ends up in an event: nobody looks for a credential there. */
export const shortText = lazily(() => textUpTo(255))

/** A non-empty text for a claim or a message. */
export function text(field: string, value: unknown): string {
  return check(field, shortText, value)
}
