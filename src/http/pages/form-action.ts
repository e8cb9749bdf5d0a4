import type { Provider } from '../../providers/provider.ts'
import type { Providers } from '../../providers/providers.ts'

/**
 * The origins that a form is redirected to if it ends at these providers, for `form-action` in the CSP. The origin of an
 * OpenID provider is known after discovery, which a sign-in begins; the sign-in begun here is dropped, and nothing of it
 * is stored. If discovery fails, the provider is down and the form will end on our own error page.
 */
export async function originsOf(providers: Providers, wanted: readonly Provider[]): Promise<readonly string[]> {
  await Promise.all(
    wanted
      .filter((provider) => provider.authorizeOrigin() === null)
      .map((provider) =>
        providers.begin(provider, { redirectUri: provider.redirectUris.default ?? '', intent: 'link' }),
      ),
  )
  return knownOrigins(wanted)
}

export const knownOrigins = (wanted: readonly Provider[]): readonly string[] => {
  const origins = wanted.flatMap((provider) => {
    const origin = provider.authorizeOrigin()
    return origin === null ? [] : [origin, ...provider.alsoVisited]
  })
  return [...new Set(origins)]
}
