/** Reads the email addresses of a user from an endpoint that lists them in pages. */
import { CallFailure } from '../calls/failure.ts'

export type ListedEmail = { readonly value: string; readonly primary: boolean; readonly verified: boolean }
type EmailPage = { readonly emails: readonly ListedEmail[]; readonly isLast: boolean }

const mostPages = 5

/**
 * Reads at most five pages; the primary address may be on any of them. `readPage` returns `null` for a response of
 * another shape. A provider that withholds the list, because its scope or permission is missing, lists none.
 */
export function readEmailList(
  get: (page: number, got: (error: unknown, body?: unknown) => void) => void,
  readPage: (json: unknown) => EmailPage | null,
  done: (error: unknown, emails?: readonly ListedEmail[]) => void,
): void {
  const read = (page: number, before: readonly ListedEmail[]): void =>
    get(page, (refused, body) => {
      if (refused && isWithheld(refused)) return done(null, [])
      if (refused) return done(refused)
      const found = readPage(JSON.parse(String(body)))
      if (found === null) return done(new CallFailure({ kind: 'garbage', reason: 'wrong_shape' }))
      const emails = [...before, ...found.emails]
      if (found.isLast || page === mostPages) return done(null, emails)
      read(page + 1, emails)
    })
  read(1, [])
}

const isWithheld = (error: unknown): boolean =>
  error instanceof CallFailure && error.failure.kind === 'refused' && [403, 404].includes(error.failure.status)
