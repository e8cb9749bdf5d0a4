import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import { keepsAWayIn, methodsOf, type SignInRules } from './methods.ts'
import type { AccountStore, Identity } from './ports.ts'

export type UnlinkCode = 'not_linked' | 'last_login_method' | 'session_revoked'

type LinksParts = { accounts: AccountStore; clock: Clock; rules: SignInRules }

/** Lists and removes the sign-in methods of an account. */
export function createLinks({ accounts, clock, rules }: LinksParts) {
  /** Refuses to remove the last sign-in method, and lists the others. */
  const lastWayIn = async (accountId: string): Promise<Result<never, AppError<'last_login_method'>>> => {
    const methods = methodsOf(await accounts.signInMethodsOf(accountId), rules)
    return fail('last_login_method', undefined, {
      extra: {
        remaining_methods: methods.map(({ type, usable, ...which }) => ({
          type,
          usable,
          ...('provider' in which ? { provider: which.provider } : {}),
        })),
      },
    })
  }

  return {
    lastWayIn,
    /** Called within the transaction that removes a sign-in method. */
    wouldKeepAWayIn: (left: Parameters<typeof methodsOf>[0]): boolean => keepsAWayIn(methodsOf(left, rules)),

    list: (accountId: string): Promise<readonly Identity[]> => accounts.identitiesOf(accountId),

    methods: async (accountId: string) => methodsOf(await accounts.signInMethodsOf(accountId), rules),

    /**
     * Unlinks an identity unless no usable sign-in method would be left, which is checked in the same transaction.
     * Returns the removed identity.
     */
    async unlink(
      of: { accountId: string; identityId: string; sessionId: string },
      origin: Origin,
    ): Promise<Result<Identity, AppError<UnlinkCode>>> {
      let removed: Identity | undefined
      const outcome = await accounts.unlink(
        { accountId: of.accountId, identityId: of.identityId, keepSession: of.sessionId, at: clock() },
        (left) => keepsAWayIn(methodsOf(left, rules)),
        (gone) => {
          removed = gone
          return [
            {
              name: 'identity.unlinked',
              accountId: of.accountId,
              origin,
              data: { provider: gone.provider, identity: gone.id },
            },
          ]
        },
      )
      if (outcome === 'unlinked' && removed) return ok(removed)
      if (outcome === 'last_login_method') return lastWayIn(of.accountId)
      return fail(outcome === 'session_revoked' ? outcome : 'not_linked')
    },
  }
}
export type Links = ReturnType<typeof createLinks>
