import type { Clock } from '../kernel/clock.ts'
import type { Sealer } from '../kernel/crypto.ts'
import type { Ids } from '../kernel/ids.ts'
import type { Locale } from '../kernel/locale.ts'
import type { Letter, Mail } from './ports.ts'

export type NewLetter = {
  readonly template: Letter
  readonly to: string
  readonly locale: Locale
  readonly accountId?: string | null
  readonly params?: Mail['params']
  /** What only its reader may know: a link's ticket, a code. Sealed at once. */
  readonly secret?: Readonly<Record<string, string>>
}

/** Where a letter's secret is sealed. */
export const secretPlace = (mailId: string): string => `mails/${mailId}/secret`

/** Letters as rows, for the verb whose change they belong to. */
export const createLetters =
  ({ ids, clock, sealer }: { ids: Ids; clock: Clock; sealer: Sealer }) =>
  ({ template, to, locale, accountId = null, params = {}, secret }: NewLetter): Mail => {
    const id = ids('eml')
    const at = clock()
    return {
      id,
      to,
      locale,
      template,
      params,
      accountId,
      secret: secret ? sealer.seal(JSON.stringify(secret), secretPlace(id)) : null,
      attempts: 0,
      nextAttemptAt: at,
      lastError: null,
      createdAt: at,
    }
  }
export type Letters = ReturnType<typeof createLetters>
