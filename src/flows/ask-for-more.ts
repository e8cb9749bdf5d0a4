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
 * Somebody grants more at a provider they sign in with: they are sent there once more, for what signing in needs, what
 * they granted before and what they chose now. Only what the operator offers may be chosen.
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
    // What is within the least already is not asked for again in the provider's other spelling.
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

/** What somebody has granted at a provider for themselves. */
const grantedBefore = async (
  grants: AskForMoreParts['grants'],
  { id, clientId }: Provider,
  { issuer, subject }: Pick<Identity, 'issuer' | 'subject'>,
): Promise<readonly string[]> =>
  (await grants.find({ provider: id, issuer, clientId, subject, holder: 'person' }))?.scopes ?? []

/**
 * Whether everything somebody was asked for is still offered when they come back, or was granted before: the operator may
 * have taken a scope off the list in between.
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
 * Which sign-in a flow asks more for; `undefined` where it asks for nothing beyond the usual. It is the one whose page
 * the flow returns to: nobody but `askForMore` begins a linking with scopes of its own. With any other account at the
 * provider the flow must come to nothing, or more would be granted with it than its owner was ever shown here.
 */
export function identityAskedFor({ intent, scopes, returnTo }: PendingAuthorization): string | undefined {
  if (intent !== 'link' || scopes === null) return undefined
  const [, id = ''] = /^\/account\/identities\/(\w+)\?/.exec(returnTo ?? '') ?? []
  return id
}
