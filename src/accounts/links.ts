import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import { keepsAWayIn, methodsOf, type SignInRules } from './methods.ts'
import type { AccountStore, Identity } from './ports.ts'

export type UnlinkCode = 'not_linked' | 'last_login_method' | 'session_revoked'

type LinksParts = { accounts: AccountStore; clock: Clock; rules: SignInRules }

/** The sign-ins of an account: which there are, and taking one away. */
export function createLinks({ accounts, clock, rules }: LinksParts) {
  /** The refusal to take the last way in away, with what else there is. */
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
    /** Asked within the transaction that takes a way in away. */
    wouldKeepAWayIn: (left: Parameters<typeof methodsOf>[0]): boolean => keepsAWayIn(methodsOf(left, rules)),

    list: (accountId: string): Promise<readonly Identity[]> => accounts.identitiesOf(accountId),

    methods: async (accountId: string) => methodsOf(await accounts.signInMethodsOf(accountId), rules),

    /**
     * Takes a sign-in away, unless nothing usable would be left; that is counted in the same transaction. Answers the
     * identity that went.
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
