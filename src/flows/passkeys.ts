import type { Links } from '../accounts/links.ts'
import { type NamedPasskey, withAuthenticator } from '../credentials/authenticators.ts'
import type { Passkeys, RegistrationResponseJSON } from '../credentials/passkeys.ts'
import type { PasskeyStore } from '../credentials/ports.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Fact, Origin } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { FactorOwner } from './second-factor.ts'

type KeepPasskeysParts = { passkeys: Passkeys; store: PasskeyStore; links: Links; clock: Clock }

/** Adds, renames and removes the passkeys of an account. */
export function keepPasskeys({ passkeys, store, links, clock }: KeepPasskeysParts) {
  const fact = (name: 'second_factor.added' | 'second_factor.removed', { account, origin }: FactorOwner): Fact => ({
    name,
    accountId: account.id,
    origin,
    data: { factor: 'passkey' },
  })

  return {
    list: async (accountId: string): Promise<readonly NamedPasskey[]> =>
      (await passkeys.list(accountId)).map(withAuthenticator),
    challenge: ({ account, sessionId }: FactorOwner) => passkeys.registration(account, sessionId),

    async add(
      doing: FactorOwner,
      {
        flowToken,
        name,
        response,
      }: { flowToken: string; name?: string | undefined; response: RegistrationResponseJSON },
    ): Promise<Result<NamedPasskey, AppError<'ticket_invalid' | 'passkey_not_added'>>> {
      const { account, sessionId } = doing
      const asked = { accountId: account.id, within: sessionId }
      const registered = await passkeys.registered(asked, flowToken, name, response)
      if (!registered.ok) return registered
      const passkey = registered.value
      const change = { accountId: account.id, sessionId, at: clock() }
      return (await store.add(passkey, change, [fact('second_factor.added', doing)]))
        ? ok(withAuthenticator(passkey))
        : fail('passkey_not_added')
    },

    async rename(
      { id, accountId }: { id: string; accountId: string },
      name: string,
      origin: Origin,
    ): Promise<Result<null, AppError<'passkey_not_found'>>> {
      const because: Fact = { name: 'passkey.renamed', accountId, origin, data: { passkey: id } }
      return (await store.rename({ id, accountId }, name, [because])) ? ok(null) : fail('passkey_not_found')
    },

    async remove(
      doing: FactorOwner,
      id: string,
    ): Promise<Result<null, AppError<'passkey_not_found' | 'last_login_method' | 'session_revoked'>>> {
      const { account, sessionId } = doing
      const outcome = await store.remove({ id, accountId: account.id, sessionId, at: clock() }, links.wouldKeepAWayIn, [
        fact('second_factor.removed', doing),
      ])
      if (outcome === 'removed') return ok(null)
      return outcome === 'last_login_method' ? links.lastWayIn(account.id) : fail(outcome)
    },
  }
}
