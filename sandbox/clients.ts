/**
 * The applications registered with the sandbox providers: credentials and allowed redirect URIs. The secrets are
 * constants of the sandbox, and not valid anywhere else.
 */
import type { ProviderId } from './exchange.ts'

export type Client = { readonly id: string; readonly secret: string }

export const APP_NAME = 'Vinculum'

/** The service's name for each sandbox provider: the `:provider` in its callback path. */
export const CALLBACK_NAME: Record<ProviderId, string> = {
  google: 'google',
  github: 'github',
  atlassian: 'atlassian',
  oidc: 'acme',
  oauth2: 'beta',
}

export const CLIENTS: Record<ProviderId, Client> = {
  google: {
    id: '481516234200-sandboxsandboxsandbox.apps.googleusercontent.com',
    secret: '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HsDf',
  },
  github: { id: 'Ov23liSandboxSandbox', secret: 'f3a91c0d7e5b48260a9d1c4e7f8b2a6350c1d9e8' },
  atlassian: {
    id: 'SandboxA7kQ2mX9vLr4TnWc6ZpYb1HsDf',
    secret: 'ATOAsandboxW8dKx3RqVn5TzLm2YcPf7HbJs9GkAe4UoXi6Qw1Er0Ty',
  },
  // Basic authentication requires form-encoding of both parts. ':', '+' and '%' reveal clients that omit it.
  oidc: { id: 'acme:vinculum', secret: 'acme+s3cret:with%25percent/Jm4Kq8Zt2Xw6Rv0Lp' },
  oauth2: { id: 'beta-vinculum', secret: 'beta-T6mQx1WvK9rZc3LnY7pHs5DfGj2Bk8Ea' },
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]'])

export function createRegistry(appOrigin: string | undefined) {
  const clients = new Map<string, Client>()
  const redirects = new Map<ProviderId, Set<string>>()
  const key = (provider: ProviderId, id: string) => `${provider} ${id}`

  return {
    find: (provider: ProviderId, id: string): Client | undefined =>
      CLIENTS[provider].id === id ? CLIENTS[provider] : clients.get(key(provider, id)),
    /** A second application, for codes and tokens that belong to another client. */
    addClient: (provider: ProviderId, client: Client) => clients.set(key(provider, client.id), client),
    addRedirect(provider: ProviderId, uri: string) {
      redirects.set(provider, (redirects.get(provider) ?? new Set()).add(uri))
    },
    /** Compared exactly, as text: a trailing slash makes another URI. */
    allows(provider: ProviderId, uri: string): boolean {
      if (redirects.get(provider)?.has(uri)) return true
      const path = `/auth/${CALLBACK_NAME[provider]}/callback`
      if (appOrigin !== undefined && uri === `${appOrigin}${path}`) return true
      if (!URL.canParse(uri)) return false
      const url = new URL(uri)
      return url.protocol === 'http:' && LOOPBACK.has(url.hostname) && uri === `${url.origin}${path}`
    },
    /** Where a provider redirects if the request contains no usable URI. */
    first(provider: ProviderId): string | undefined {
      const [explicit] = redirects.get(provider) ?? []
      return explicit ?? (appOrigin && `${appOrigin}/auth/${CALLBACK_NAME[provider]}/callback`)
    },
    reset() {
      clients.clear()
      redirects.clear()
    },
  }
}
export type Registry = ReturnType<typeof createRegistry>
