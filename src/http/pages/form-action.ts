import type { Provider } from '../../providers/provider.ts'
import type { Providers } from '../../providers/providers.ts'

// A provider that sends the browser on before showing its page: the redirect belongs to the same submission.
const alsoVisited: Readonly<Record<string, readonly string[]>> = {
  'https://auth.atlassian.com': ['https://id.atlassian.com'],
}

/**
 * The origins a form that ends at these providers is redirected to. An OpenID provider’s is known once it was
 * discovered, so beginning with it (and dropping what that made, which is kept nowhere) finds it out. When that
 * fails the provider is down, and the form will end on our own error page.
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
  const origins = wanted.flatMap((provider) => provider.authorizeOrigin() ?? [])
  return [...new Set(origins.flatMap((origin) => [origin, ...(alsoVisited[origin] ?? [])]))]
}
