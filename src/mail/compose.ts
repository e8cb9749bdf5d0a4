import type { Clock } from '../kernel/clock.ts'
import type { Sealer } from '../kernel/crypto.ts'
import type { Ids } from '../kernel/ids.ts'
import type { Locale } from '../kernel/locale.ts'
import type { Mail, MessageTemplate } from './ports.ts'

export type NewMail = {
  readonly template: MessageTemplate
  readonly to: string
  readonly locale: Locale
  readonly accountId?: string | null
  readonly params?: Mail['params']
  /** What only the recipient may know: a link's ticket, a code. It is encrypted at once. */
  readonly secret?: Readonly<Record<string, string>>
}

/** The sealing context of a message's secret. */
export const secretPlace = (mailId: string): string => `mails/${mailId}/secret`

/** Creates messages as rows, for the store verb that makes the change. */
export const createMailComposer =
  ({ ids, clock, sealer }: { ids: Ids; clock: Clock; sealer: Sealer }) =>
  ({ template, to, locale, accountId = null, params = {}, secret }: NewMail): Mail => {
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
export type ComposeMail = ReturnType<typeof createMailComposer>
