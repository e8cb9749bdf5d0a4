/** Third-party clients behind one interface: each signs a person in, refreshes and signs out with its own library. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A registered application, as its developer knows it. */
export type Registration = {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUri: string
}
export type SignedIn = { readonly subject: string; readonly email: string; readonly refreshToken: string }

export type RelyingParty = {
  /** Begins a sign-in. Returns where the browser goes. */
  readonly begin: () => Promise<URL>
  /** Ends the sign-in at the redirect URI. */
  readonly finish: (back: URL) => Promise<SignedIn>
  /** Refreshes the tokens. Returns the new refresh token; rejects when the sign-in is over. */
  readonly refresh: () => Promise<string>
  /** Where the browser goes to sign out. */
  readonly signOut: () => Promise<URL>
}
export type Client = {
  readonly name: string
  /** How it authenticates at the token endpoint. */
  readonly auth: 'client_secret_basic' | 'client_secret_post'
  /** The path of its redirect URI. */
  readonly path: string
  /** Starts it. `mount` is for a client that is an HTTP server: it receives what comes to the redirect URI. */
  readonly connect: (registration: Registration, mount: (listener: RequestListener) => void) => Promise<RelyingParty>
}

/** A server on a free port of this machine, whose listener is known later. */
export async function listenLater() {
  let listener: RequestListener = (_, response) => response.writeHead(404).end()
  const server = createServer((request, response) => listener(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    mount(mounted: RequestListener): void {
      listener = mounted
    },
    close: (): Promise<void> =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The URL that ends the session of the browser here (OpenID Connect RP-Initiated Logout). */
export function endSessionUrl(endpoint: string, idToken: string, returnTo: string): URL {
  const url = new URL(endpoint)
  url.search = new URLSearchParams({ id_token_hint: idToken, post_logout_redirect_uri: returnTo }).toString()
  return url
}
