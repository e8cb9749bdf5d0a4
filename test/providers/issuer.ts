/**
 * A minimal OpenID provider for what the sandbox's certified one cannot do: unusual metadata, unusual key sets,
 * hand-made id_tokens. Each test sets every response.
 */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ProviderSettings } from '../../src/providers/provider.ts'

type Seen = { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: URLSearchParams }

export async function startIssuer() {
  let url = ''
  const seen: Seen[] = []
  const says: Record<string, { readonly answer: () => unknown; readonly type: string }> = {}
  const server = createServer(async (req, res) => {
    let body = ''
    for await (const chunk of req) body += chunk
    const path = new URL(req.url ?? '/', url).pathname
    seen.push({ path, headers: req.headers, body: new URLSearchParams(body) })
    const { answer, type = 'application/json' } = says[path] ?? {}
    const said = answer?.()
    res.writeHead(said === undefined ? 503 : 200, { 'content-type': type })
    res.end(typeof said === 'string' ? said : JSON.stringify(said ?? {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const metadata = (): Record<string, unknown> => ({
    issuer: url,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    userinfo_endpoint: `${url}/userinfo`,
    jwks_uri: `${url}/jwks`,
  })
  const settings: ProviderSettings = {
    id: 'acme',
    kind: 'oidc',
    name: 'Acme ID',
    clientId: 'client',
    clientSecret: 's:e+c%ret',
    redirectUris: { default: 'http://localhost:3000/auth/acme/callback' },
    urls: {},
    issuer: url,
    breaker: { timeoutMs: 5000, errorThresholdPercent: 50, volume: 100, resetMs: 60_000 },
  }

  return {
    url,
    seen,
    calls: (path: string) => seen.filter((one) => one.path === path),
    settings,
    metadata,
    /** Sets the response of a path: JSON, or text as it stands; `undefined` is 503. */
    say(
      path: '/.well-known/openid-configuration' | '/token' | '/userinfo' | '/jwks',
      answer: () => unknown,
      type = 'application/json',
    ) {
      says[path] = { answer, type }
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
export type Issuer = Awaited<ReturnType<typeof startIssuer>>
