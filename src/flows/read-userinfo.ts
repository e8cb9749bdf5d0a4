import type { AccountStore } from '../accounts/ports.ts'
import type { Renewal } from '../connections/renewal.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import type { Result } from '../kernel/result.ts'
import type { Providers } from '../providers/providers.ts'
import type { Reading } from '../providers/userinfo.ts'

export type UserInfoCode = 'not_linked' | 'provider_unavailable' | 'user_info_fetch_failed' | 'needs_reauthorization'

type Parts = { accounts: AccountStore; providers: Providers; renewal: Renewal; events: Bus }

/** What a provider says about somebody now, for that somebody: through the cache, with a token renewed if need be. */
export function readUserInfo({ accounts, providers, renewal, events }: Parts) {
  return async (accountId: string, identityId: string): Promise<Result<Reading, AppError<UserInfoCode>>> => {
    const identity = (await accounts.identitiesOf(accountId)).find(({ id }) => id === identityId)
    if (!identity) return fail('not_linked')
    const provider = providers.get(identity.provider)
    if (!provider) return fail('provider_unavailable', { provider: identity.provider })
    const key = { provider: provider.id, clientId: provider.clientId, subject: identity.subject, holder: 'person' }
    return events.span(
      'oauth.user_info_fetch',
      { provider: provider.id },
      () =>
        providers.profile(provider, { subject: identity.subject }, () =>
          renewal.accessToken(key, { providerName: provider.name, accountId }),
        ),
      ({ fromCache }) => ({ from_cache: fromCache }),
    )
  }
}
export type ReadUserInfo = ReturnType<typeof readUserInfo>
