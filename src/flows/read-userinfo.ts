import type { AccountStore } from '../accounts/ports.ts'
import type { GrantKey } from '../connections/ports.ts'
import type { Renewal } from '../connections/renewal.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Provider } from '../providers/provider.ts'
import type { Providers } from '../providers/providers.ts'
import type { ProfileReading } from '../providers/userinfo.ts'

export type UserInfoCode = 'not_linked' | 'provider_unavailable' | 'user_info_fetch_failed' | 'needs_reauthorization'

type ReadUserInfoParts = { accounts: AccountStore; providers: Providers; renewal: Renewal; events: Bus }

/**
 * The current profile of a user at the provider, for that user only: from the cache, with a renewed token if needed.
 */
export function readUserInfo({ accounts, providers, renewal, events }: ReadUserInfoParts) {
  /** The user withdrew or never granted the permission. Signing in with the provider again grants it. */
  const usableToken = async (
    key: GrantKey,
    { name }: Provider,
    refused: string | undefined,
  ): Promise<Result<string, AppError<'needs_reauthorization' | 'provider_unavailable'>>> => {
    const token = await renewal.ensureValidToken(key, refused === undefined ? {} : { refused })
    if (token.ok) return ok(token.value.accessToken)
    const { code, ...told } = token.error
    return code === 'not_connected'
      ? fail('needs_reauthorization', { provider: name })
      : { ok: false, error: { ...told, code } }
  }

  return async (accountId: string, identityId: string): Promise<Result<ProfileReading, AppError<UserInfoCode>>> => {
    const identity = (await accounts.identitiesOf(accountId)).find(({ id }) => id === identityId)
    if (!identity) return fail('not_linked')
    const provider = providers.get(identity.provider)
    // The same subject of another issuer is another person.
    if (!provider?.speaksFor(identity.issuer)) return fail('provider_unavailable', { provider: identity.provider })
    const { issuer, subject } = identity
    const key = { provider: provider.id, issuer, clientId: provider.clientId, subject, holder: 'person' }
    return events.span(
      'oauth.user_info_fetch',
      { provider: provider.id },
      () => providers.profile(provider, { issuer, subject }, (refused) => usableToken(key, provider, refused)),
      ({ fromCache }) => ({ from_cache: fromCache }),
    )
  }
}
