import { parseUrl } from '../src/kernel/parse-url.ts'
/** The applications registered with one sandbox provider: credentials and allowed redirect URIs. */
export type Client = { readonly id: string; readonly secret: string }

export const APP_NAME = 'Vinculum'

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]'])

/** `path` is that of the application's callback, which is allowed at `appOrigin` and on loopback. */
export function createRegistry(own: Client, path: string, appOrigin: string | undefined) {
  const clients = new Map<string, Client>()
  const redirects = new Set<string>()

  return {
    find: (id: string): Client | undefined => (own.id === id ? own : clients.get(id)),
    /** A second application, for codes and tokens that belong to another client. */
    addClient: (client: Client) => void clients.set(client.id, client),
    addRedirect: (uri: string) => void redirects.add(uri),
    /** Compared exactly, as text: a trailing slash makes another URI. */
    allows(uri: string): boolean {
      if (redirects.has(uri)) return true
      if (appOrigin !== undefined && uri === `${appOrigin}${path}`) return true
      if (parseUrl(uri) === undefined) return false
      const url = new URL(uri)
      return url.protocol === 'http:' && LOOPBACK.has(url.hostname) && uri === `${url.origin}${path}`
    },
    /** Where a provider redirects if the request contains no usable URI. */
    first(): string | undefined {
      const [explicit] = redirects
      return explicit ?? (appOrigin && `${appOrigin}${path}`)
    },
    reset() {
      clients.clear()
      redirects.clear()
    },
  }
}
export type Registry = ReturnType<typeof createRegistry>
