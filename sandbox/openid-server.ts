/**
 * A certified OpenID provider, the npm package oidc-provider. The sandbox adds users, replaces the interaction pages with
 * its consent page, and provides a store that follows its clock.
 */
import { decodeJwt } from 'jose'
import type Provider from 'oidc-provider'
import { APP_NAME } from './clients.ts'
import { askPerson, errorPage } from './consent.ts'
import { type Answer, type ProviderRequest, reader, words } from './exchange.ts'
import { forge, isIdToken } from './id-token.ts'
import { type Call, exchange, inject } from './inject.ts'
import type { Alg } from './keys.ts'
import type { Place } from './look-alike.ts'

export type OpenIdAccount = {
  sub: string
  name?: string
  preferred_username?: string
  picture?: string
  email?: string
  email_verified?: boolean | string
}

export type OpenIdSwitches = {
  alg: Alg
  /**
   * `crowded`: the key set also contains keys with the same IDs, for encryption, of unknown types or incomplete, and
   * invalid entries, as real issuers publish them (RFC 7517 §5).
   */
  keySet: 'plain' | 'crowded'
  refresh: 'always' | 'offline_access'
  rotate: boolean
  /** The registered client authentication method; `none` for a client without a secret. */
  tokenAuth: 'client_secret_basic' | 'client_secret_post' | 'none'
  /** The UserInfo response: JSON, a signed or encrypted JWT, or a refusal for every token (AD FS). */
  userinfo: 'json' | 'signed' | 'encrypted' | 'refused'
  /** Whether the id_token repeats the nonce (LinkedIn's does not). */
  nonce: boolean
  /** `refused`: a code verifier together with a secret is an error (LinkedIn). */
  pkce: 'required' | 'refused'
}

/** The paths of oidc-provider. */
export const OPENID_PATHS = {
  authorize: '/auth',
  token: '/token',
  userinfo: '/me',
  revoke: '/token/revocation',
  jwks: '/jwks',
} as const

export const isDiscovery = (path: string): boolean => path.includes('/.well-known/')

type Payload = Record<string, unknown>
type StoredEntry = { model: string; payload: Payload; expiresAt: number }

/** The storage adapter of oidc-provider. https://github.com/panva/node-oidc-provider/blob/main/example/my_adapter.js */
function createAdapter(now: () => Date) {
  const held = new Map<string, StoredEntry>()
  const read = (key: string | undefined) => {
    const found = key === undefined ? undefined : held.get(key)
    return found !== undefined && now().getTime() < found.expiresAt ? found.payload : undefined
  }
  const by = (model: string, field: string, value: string) =>
    [...held].find(([, entry]) => entry.model === model && entry.payload[field] === value)?.[0]

  const adapter = (model: string) => ({
    async upsert(id: string, payload: Payload, expiresIn?: number) {
      const expiresAt = expiresIn === undefined ? Number.POSITIVE_INFINITY : now().getTime() + expiresIn * 1000
      held.set(`${model} ${id}`, { model, payload, expiresAt })
    },
    find: async (id: string) => read(`${model} ${id}`),
    findByUid: async (uid: string) => read(by(model, 'uid', uid)),
    findByUserCode: async (code: string) => read(by(model, 'userCode', code)),
    async consume(id: string) {
      const payload = read(`${model} ${id}`)
      if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000)
    },
    destroy: async (id: string) => void held.delete(`${model} ${id}`),
    async revokeByGrantId(grantId: string) {
      for (const [key, { payload }] of held) if (payload.grantId === grantId) held.delete(key)
    },
  })
  const kill = (model: string, subject: string | undefined) => {
    const doomed = [...held].filter(
      ([, entry]) => entry.model === model && (subject === undefined || entry.payload.accountId === subject),
    )
    for (const [key] of doomed) held.delete(key)
    return doomed.length
  }
  return { adapter, kill, reset: () => held.clear() }
}

/**
 * The package prints a warning about Node 20 when it is loaded, although it works there. Only this line is suppressed.
 */
async function load() {
  // biome-ignore lint/suspicious/noConsole: the package writes to the console and has no option to turn that off.
  const warn = console.warn
  console.warn = (...words: unknown[]) => {
    if (!String(words[0]).includes('Unsupported runtime')) warn(...words)
  }
  try {
    return (await import('oidc-provider')).default
  } finally {
    console.warn = warn
  }
}

/** One OpenID provider. `answer` responds to a path; `request` has its method, headers, query and body. */
export function createOpenIdServer<Account extends OpenIdAccount, Switches extends OpenIdSwitches>(
  place: Place<Account, Switches>,
) {
  const { prefix: PREFIX, keys, switches } = place
  const store = createAdapter(place.now)
  const issuer = () => place.url
  const origin = () => new URL(place.url).origin
  const built = new Map<string, Promise<Provider>>()

  /** Built at first use, and again after keys or switches change: the package reads both only once. */
  async function build(): Promise<Provider> {
    const { alg, refresh, rotate, tokenAuth, userinfo, pkce } = switches
    const [OidcProvider, own, other] = await Promise.all([
      load(),
      keys.published(alg),
      keys.published(alg === 'RS256' ? 'ES256' : 'RS256'),
    ])
    const { id, secret } = place.client
    const provider = new OidcProvider(issuer(), {
      adapter: store.adapter,
      clients: [
        {
          client_id: id,
          ...(tokenAuth !== 'none' && { client_secret: secret }),
          client_name: APP_NAME,
          redirect_uris: [`${place.url}/never-used`],
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
          token_endpoint_auth_method: tokenAuth,
          id_token_signed_response_alg: alg,
          ...((userinfo === 'signed' || userinfo === 'encrypted') && { userinfo_signed_response_alg: alg }),
          ...(userinfo === 'encrypted' && {
            userinfo_encrypted_response_alg: 'dir',
            userinfo_encrypted_response_enc: 'A128CBC-HS256',
          }),
        },
      ],
      jwks: { keys: [...own, ...other].map((key) => key.private) },
      cookies: { keys: ['sandbox-cookies-are-worth-nothing'] },
      pkce: { required: () => pkce === 'required' },
      claims: {
        openid: ['sub'],
        email: ['email', 'email_verified'],
        profile: ['name', 'preferred_username', 'picture'],
      },
      conformIdTokenClaims: false,
      scopes: ['openid', 'offline_access'],
      responseTypes: ['code'],
      clientAuthMethods: ['client_secret_basic', 'client_secret_post', ...(tokenAuth === 'none' ? ['none'] : [])],
      enabledJWA: { userinfoEncryptionAlgValues: ['dir'] },
      features: {
        encryption: { enabled: true },
        jwtUserinfo: { enabled: true },
        devInteractions: { enabled: false },
        revocation: { enabled: true, allowedPolicy: () => true },
        pushedAuthorizationRequests: { enabled: false },
        rpInitiatedLogout: { enabled: false },
        dPoP: { enabled: false },
      },
      findAccount: (_context: unknown, subject: string) => {
        const who = place.people.bySubject(subject)
        return who && { accountId: subject, claims: () => ({ ...who }) }
      },
      interactions: { url: (_context: unknown, { uid }: { uid: string }) => `${PREFIX}/interaction/${uid}` },
      issueRefreshToken: (_context: unknown, _client: unknown, code: { scopes: Set<string> }) =>
        refresh === 'always' || code.scopes.has('offline_access'),
      rotateRefreshToken: rotate,
      expiresWithSession: () => false,
      clientBasedCORS: () => false,
      renderError: (context: { type: string; body: unknown }, out: { error: string; error_description?: string }) => {
        const detail = `${out.error}: ${out.error_description ?? ''}`
        context.type = 'html'
        context.body = errorPage(400, 'Something went wrong', detail).body
      },
      ttl: {
        AccessToken: 3600,
        AuthorizationCode: 600,
        IdToken: 3600,
        RefreshToken: 30 * 24 * 3600,
        Interaction: 3600,
        Session: 3600,
        Grant: 30 * 24 * 3600,
      },
    })
    provider.Client.prototype.redirectUriAllowed = (uri) => place.registry.allows(uri)
    provider.silent = true
    return provider
  }

  async function current(): Promise<Provider> {
    const { kid } = await keys.current(switches.alg)
    const version = JSON.stringify([kid, switches])
    const known = built.get(version)
    if (known !== undefined) return known
    const fresh = build()
    built.set(version, fresh)
    return fresh
  }

  /** Callers may use any host name. The provider always sees the one in its issuer. */
  const host = () => new URL(place.url).host

  async function authorize(request: ProviderRequest): Promise<Answer> {
    const provider = await current()
    const field = reader(request)
    const ours = request.method === 'POST' && (field('as') ?? field('deny')) !== undefined
    const cookies = new Map<string, string>()
    const call = (url: string, posted = false): Call => ({
      method: posted ? 'POST' : 'GET',
      url,
      prefix: PREFIX,
      headers: {
        host: host(),
        accept: 'text/html',
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(posted && { 'content-type': request.headers['content-type'] }),
      },
      body: posted ? request.body : Buffer.alloc(0),
    })
    const go = async (next: Call): Promise<Answer> => {
      const answer = await inject(provider.callback(), next)
      for (const cookie of [answer.headers['set-cookie'] ?? []].flat()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
        if (name !== undefined && value !== undefined) cookies.set(name, value)
      }
      const { 'set-cookie': _cookies, ...headers } = answer.headers
      return { ...answer, headers }
    }
    const interaction = (answer: Answer): URL | undefined => {
      const to = answer.headers.location
      if (typeof to !== 'string') return undefined
      const url = new URL(to, issuer())
      return url.origin === origin() && url.pathname.startsWith(`${PREFIX}/interaction/`) ? url : undefined
    }

    /** Answers all interaction prompts until the provider redirects to the application. */
    async function answerPrompts(first: Answer, subject: string | undefined): Promise<Answer> {
      let answer = first
      for (let turn = 0; turn < 4; turn += 1) {
        const page = interaction(answer)
        if (page === undefined) return answer
        const { req, res } = exchange(call(`${page.pathname}${page.search}`))
        const { params } = await provider.interactionDetails(req, res)
        let result: Record<string, unknown> = {
          error: 'access_denied',
          error_description: 'End-User denied the request',
        }
        if (subject !== undefined) {
          const grant = new provider.Grant({ accountId: subject, clientId: params.client_id ?? '' })
          grant.addOIDCScope(params.scope ?? 'openid')
          result = { login: { accountId: subject }, consent: { grantId: await grant.save() } }
        }
        const returnTo = new URL(await provider.interactionResult(req, res, result, { mergeWithLastSubmission: false }))
        answer = await go(call(`${returnTo.pathname}${returnTo.search}`))
      }
      return answer
    }

    const search = request.query.size > 0 ? `?${request.query}` : ''
    const first = await go(call(`${PREFIX}${request.path}${search}`, request.method === 'POST' && !ours))
    if (interaction(first) === undefined) return first
    return askPerson(place, request, {
      app: APP_NAME,
      scopes: words(request.query.get('scope')),
      chosen: (who) => answerPrompts(first, who.account.sub),
      denied: () => answerPrompts(first, undefined),
    })
  }

  /** Its key set with other entries that real key sets contain. */
  async function addUnusableKeys(answer: Answer): Promise<Answer> {
    const body: { keys: Record<string, unknown>[] } = JSON.parse(answer.body.toString())
    const stranger = (await keys.unpublished(switches.alg)).public
    const ids = body.keys.map(({ kid }) => kid)
    const others = ids.flatMap((kid) => [
      { ...stranger, kid, use: 'enc', alg: 'RSA-OAEP' },
      { ...stranger, kid },
      { kty: 'RSA', kid, use: 'sig', x5c: ['MIIC'] },
      { kty: 'AKP', kid, alg: 'ML-DSA-44', pub: 'AAAA' },
    ])
    return { ...answer, body: JSON.stringify({ keys: [null, {}, ...others, ...body.keys] }) }
  }

  /** The package uses the computer's clock. If the sandbox's clock differs, times are moved and tokens signed again. */
  async function moveToClock(answer: Answer): Promise<Answer> {
    const shift = Math.round((place.now().getTime() - Date.now()) / 1000)
    if (Math.abs(shift) < 2 || answer.status !== 200) return answer
    const whole = answer.body.toString()
    if (isIdToken(whole)) {
      const { iat = 0, exp = 0 } = decodeJwt(whole)
      return { ...answer, body: await forge(place, whole, { claims: { iat: iat + shift, exp: exp + shift } }) }
    }
    if (!String(answer.headers['content-type']).includes('json')) return answer
    const body: Record<string, unknown> = JSON.parse(whole)
    if (!isIdToken(body.id_token)) return answer
    const { iat = 0, exp = 0 } = decodeJwt(body.id_token)
    const claims = { iat: iat + shift, exp: exp + shift }
    return {
      ...answer,
      body: JSON.stringify({ ...body, id_token: await forge(place, body.id_token, { claims }) }),
    }
  }

  return {
    async answer(request: ProviderRequest, path: string): Promise<Answer> {
      if (path === OPENID_PATHS.authorize) return authorize(request)
      const provider = await current()
      const answer = await inject(provider.callback(), {
        method: request.method,
        url: `${PREFIX}${path}${request.query.size > 0 ? `?${request.query}` : ''}`,
        prefix: PREFIX,
        headers: { ...request.headers, host: host() },
        body: request.body,
      })
      if (path === OPENID_PATHS.jwks && switches.keySet === 'crowded') return addUnusableKeys(answer)
      return path === OPENID_PATHS.token || path === OPENID_PATHS.userinfo ? moveToClock(answer) : answer
    },
    killRefreshTokens: (person?: string) =>
      store.kill('RefreshToken', person && (place.people.subjectOf(person) ?? '')),
    killAccessTokens: (person?: string) => store.kill('AccessToken', person && (place.people.subjectOf(person) ?? '')),
    reset: store.reset,
  }
}
