import type { AccountStore, Identity } from '../accounts/ports.ts'
import type { GrantStore } from '../connections/ports.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Result } from '../kernel/result.ts'
import type { PendingAuthorization } from '../providers/ports.ts'
import type { Provider } from '../providers/provider.ts'
import type { Providers } from '../providers/providers.ts'
import type { AuthorizationStart, BeginCode, BeginWithProvider } from './begin-with-provider.ts'

export type MoreCode = BeginCode | 'not_linked' | 'scopes_not_offered'

type AskForMoreParts = {
  accounts: AccountStore
  grants: Pick<GrantStore, 'find'>
  providers: Providers
  begin: BeginWithProvider
}

/**
 * Asks for more permissions at a provider the user signs in with. They are sent there again for the minimum, for what
 * they granted before, and for what they chose now. Only scopes that the operator offers can be chosen.
 */
export function askForMore({ accounts, grants, providers, begin }: AskForMoreParts) {
  return async (
    visitor: { readonly accountId: string; readonly sessionId: string },
    identityId: string,
    { scopes: chosen, redirectUriKey }: { scopes: readonly string[]; redirectUriKey?: string | undefined },
    origin: Origin,
  ): Promise<Result<AuthorizationStart, AppError<MoreCode>>> => {
    const identity = (await accounts.identitiesOf(visitor.accountId)).find(({ id }) => id === identityId)
    if (!identity) return fail('not_linked')
    const provider = providers.get(identity.provider)
    if (!provider?.speaksFor(identity.issuer)) return fail('provider_not_found', { provider: identity.provider })
    if (chosen.some((scope) => !provider.optionalScopes.includes(scope))) return fail('scopes_not_offered')
    const { id, scopes: least } = provider
    // Scopes of the minimum are not requested again in the provider's other spelling.
    const before = provider.missingScopes(await grantedBefore(grants, provider, identity), least)
    return begin({
      provider: id,
      redirectUriKey,
      visitor,
      more: { subject: identity.subject },
      origin,
      scopes: [...new Set([...least, ...before, ...chosen])],
      returnTo: `/account/identities/${identityId}?done=more_asked`,
    })
  }
}

/** What a user has granted at a provider for themselves. */
const grantedBefore = async (
  grants: AskForMoreParts['grants'],
  { id, clientId }: Provider,
  { issuer, subject }: Pick<Identity, 'issuer' | 'subject'>,
): Promise<readonly string[]> =>
  (await grants.find({ provider: id, issuer, clientId, subject, holder: 'person' }))?.scopes ?? []

/**
 * Whether all requested scopes are still offered, or were granted before: the operator may have removed one in the
 * meantime.
 */
export function stillOffers({ grants }: Pick<AskForMoreParts, 'grants'>) {
  return async (
    provider: Provider,
    identity: Pick<Identity, 'issuer' | 'subject'>,
    asked: readonly string[],
  ): Promise<boolean> => {
    const offered = [...provider.scopes, ...provider.optionalScopes]
    if (asked.every((scope) => offered.includes(scope))) return true
    const before = await grantedBefore(grants, provider, identity)
    return asked.every((scope) => offered.includes(scope) || before.includes(scope))
  }
}
export type StillOffers = ReturnType<typeof stillOffers>

/**
 * The identity for which more scopes are requested; `undefined` for an ordinary sign-in or linking. It is the one whose
 * page the round trip returns to, since only `askForMore` begins a linking with scopes of its own. With another account
 * at the provider the round trip must fail: it would grant more than that user was shown here.
 */
export function identityAskedFor({
  intent,
  scopes,
  returnTo,
}: Pick<PendingAuthorization, 'intent' | 'scopes' | 'returnTo'>): string | undefined {
  if (intent !== 'link' || scopes === null) return undefined
  const [, id = ''] = /^\/account\/identities\/(\w+)\?/.exec(returnTo ?? '') ?? []
  return id
}
