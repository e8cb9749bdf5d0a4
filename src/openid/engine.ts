/**
 * The OpenID provider's protocol engine, the npm package oidc-provider, set up so that everything it decides about is
 * ours: sessions, consents, applications, keys and tokens. It validates authorization requests and redeems codes.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { decodeJwt } from 'jose'
import Provider, {
  type AuthorizationCode,
  type Client,
  type Context,
  type DeviceInfo,
  errors,
  type Token,
} from 'oidc-provider'
import internals from 'oidc-provider/lib/helpers/weak_cache.js'
import { dpopAlgorithms, signingAlgorithms } from '../applications/keys.ts'
import { paths } from '../applications/metadata.ts'
import {
  isRegisteredRedirect,
  resourceScopesOf,
  type StandardScope,
  standardOf,
  standardScopes,
  twoFactorClass,
} from '../applications/policy.ts'
import type { Application, ApplicationKeys, ApplicationSession } from '../applications/ports.ts'
import { type Clock, epochSeconds } from '../kernel/clock.ts'
import { createPolicy } from './engine-policy.ts'
import type { Nonces } from './nonces.ts'

/** What the engine needs of us. */
export type EngineParts = {
  readonly issuer: string
  readonly adapter: (model: string) => unknown
  readonly application: (id: string) => Promise<Application | undefined>
  /** The URLs of our own API. */
  readonly ownResources: readonly string[]
  readonly claims: (accountId: string, scope: string) => Promise<Readonly<Record<string, unknown>> | undefined>
  /** Starts the sign-in that a code stands for; `undefined` if its session is over. */
  readonly start: (
    code: AuthorizationCode,
    request: IncomingMessage,
    dpopKey: string | null,
  ) => Promise<ApplicationSession | undefined>
  /** The tokens of a sign-in; `undefined` if its application is gone. */
  readonly tokens: (
    session: ApplicationSession,
    access: { scope: string; resource: string | null; dpopKey: string | null },
  ) => Promise<{ token: string; expiresIn: number; refreshToken: string } | undefined>
  /** The `sub` by which a client knows a person; `undefined` if the client is gone. */
  readonly subject: (clientId: string, accountId: string) => Promise<string | undefined>
  /** Signs an id_token for a client; `undefined` if the client is gone. */
  readonly signIdToken: (clientId: string, claims: Readonly<Record<string, unknown>>) => Promise<string | undefined>
  /** The `sub` of an id_token that was issued to this client, maybe long ago; `undefined` if it was not. */
  readonly readHint: (clientId: string, idToken: string) => Promise<string | undefined>
  /** Remembers an ID until a time in seconds since 1970; `false` if it is remembered already, on any node. */
  readonly claim: (of: string, id: string, expiresAt: number) => Promise<boolean>
  /** The public keys at a URL that an application registered. */
  readonly keysAt: (url: string) => Promise<ApplicationKeys | undefined>
  /** From where a device asks. */
  readonly deviceInfo: (request: IncomingMessage) => DeviceInfo
  readonly onError: (request: IncomingMessage, error: unknown) => void
  /** The nonces that DPoP proofs must have; `null` if they need none. */
  readonly nonces: Nonces | null
  readonly clock: Clock
  readonly lifetimes: { readonly codeSeconds: number; readonly requestSeconds: number; readonly accessSeconds: number }
}

export { errors }

/** How long a person may take to type the code of a device, in seconds. */
export const deviceSeconds = 600

export function createEngine(parts: EngineParts): Provider {
  const provider = new Provider(parts.issuer, {
    adapter: parts.adapter,
    // Nothing is signed with it: see `useOurs`. Without any key, the engine takes one that everyone knows.
    jwks: { keys: [generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })] },
    routes: {
      authorization: paths.authorize,
      token: paths.token,
      pushed_authorization_request: paths.par,
      userinfo: paths.userinfo,
      jwks: paths.jwks,
      end_session: paths.logout,
      revocation: paths.revoke,
      introspection: paths.introspect,
      device_authorization: paths.device,
      code_verification: paths.deviceCode,
    },
    interactions: {
      policy: createPolicy(parts.subject, parts.ownResources),
      url: (_: Context, interaction: { uid: string }) => `${paths.interaction}/${interaction.uid}`,
    },
    scopes: [...standardScopes],
    // Without `prompt=consent`, the engine ignores `offline_access`. Here a stored consent counts as well, and a
    // first-party application needs none (OpenID Connect Core §11: "unless other conditions are in place").
    extraParams: {
      scope(context: Context, scope: string | undefined, client: Client) {
        if (!askedScopes(context).includes(offline) || !client.grantTypeAllowed('refresh_token')) return
        context.oidc.params.scope = [...new Set([...(scope?.split(' ') ?? []), offline])].join(' ')
      },
    },
    claims: {
      openid: ['sub', 'acr', 'amr', 'auth_time', 'sid'],
      profile: ['name', 'picture', 'locale', 'updated_at'],
      email: ['email', 'email_verified'],
      teams: ['teams'],
      metadata: ['metadata'],
    },
    // A client may read the claims of its scopes from the id_token: no second request is needed for the name.
    conformIdTokenClaims: false,
    acrValues: [twoFactorClass],
    // The algorithm of the key above. That of an application is applied where id_tokens are signed.
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    // Every client is authenticated before the engine sees its request: see `openid.ts`.
    clientAuthMethods: ['none'],
    extraClientMetadata: { properties: ['requires_pkce', 'first_party'] },
    enabledJWA: {
      idTokenSigningAlgValues: ['ES256'],
      requestObjectSigningAlgValues: [...signingAlgorithms],
      dPoPSigningAlgValues: [...dpopAlgorithms],
    },
    // The engine requests nothing but keys. They come through our own guard and cache.
    fetch: async (url: URL | string) => {
      const keys = await parts.keysAt(String(url)).catch((error: unknown) => {
        // The engine would blame the application for whatever is thrown here.
        if (Provider.ctx) parts.onError(Provider.ctx.req, error)
        throw error
      })
      return new Response(JSON.stringify(keys ?? { keys: [] }), { status: keys ? 200 : 503 })
    },
    responseTypes: ['code'],
    subjectTypes: ['public'],
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      claimsParameter: { enabled: false },
      // The secret is never used: see `useOurNonces`.
      dPoP: { enabled: true, ...(parts.nonces && { nonceSecret: randomBytes(32), requireNonce: () => true }) },
      requestObjects: { enabled: true },
      // Only its endpoint for devices. The page where people type the code is ours, and is not reached through the engine.
      deviceFlow: { enabled: true, deviceInfo: ({ req }: Context) => parts.deviceInfo(req) },
      pushedAuthorizationRequests: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_: Context, __: Client, oneOf: unknown) => oneOf,
        useGrantedResource: () => true,
        getResourceServerInfo: async (_: Context, resource: string, { clientId }: Client) => {
          const application = await parts.application(clientId)
          const isOwn = parts.ownResources.includes(resource)
          if (!application || (!isOwn && !application.resources.includes(resource))) throw new errors.InvalidTarget()
          return {
            audience: resource,
            scope: (isOwn ? standardOf : resourceScopesOf)(application.scopes).join(' '),
            accessTokenFormat: 'opaque',
            accessTokenTTL: application.accessTtlSeconds ?? parts.lifetimes.accessSeconds,
          }
        },
      },
    },
    // A client that authenticates may be older than PKCE. Its code is useless without its secret (RFC 9700 §2.1.1).
    pkce: { required: (_: Context, client: Client) => client.requires_pkce === true },
    findAccount: async (_: Context, accountId: string) => {
      const exists = await parts.claims(accountId, '')
      if (!exists) return undefined
      return { accountId, claims: async (__: string, scope: string) => (await parts.claims(accountId, scope)) ?? {} }
    },
    loadExistingGrant: async ({ oidc: { session, client } }: Context) =>
      session && client ? provider.Grant.find(`${session.uid}.${client.clientId}`) : undefined,
    issueRefreshToken: (_: Context, client: Client, { scope = '' }: Token) =>
      client.grantTypeAllowed('refresh_token') && (client.first_party === true || scope.split(' ').includes(offline)),
    renderError: (context: Context, out: unknown) => {
      context.type = 'application/json'
      context.body = out
    },
    cookies: { names: cookieNames },
    ttl: {
      AccessToken: () => parts.lifetimes.accessSeconds,
      AuthorizationCode: parts.lifetimes.codeSeconds,
      DeviceCode: deviceSeconds,
      Grant: parts.lifetimes.requestSeconds,
      IdToken: parts.lifetimes.accessSeconds,
      Interaction: parts.lifetimes.requestSeconds,
      PushedAuthorizationRequest: 60,
      RefreshToken: parts.lifetimes.accessSeconds,
      Session: parts.lifetimes.requestSeconds,
    },
  })
  // The frame passes on the scheme and host of the public URL.
  provider.proxy = true
  provider.on('server_error', ({ req }, error) => parts.onError(req, error))
  useOurs(provider, parts)
  if (parts.nonces) useOurNonces(provider, parts.nonces)
  return provider
}

/** The names of the cookies as the engine reads them. No browser ever has them. */
export const cookieNames = { session: 'session', interaction: 'interaction', resume: 'resume' } as const

const offline = 'offline_access' satisfies StandardScope

/** The scopes of an authorization request as they were sent: in a signed or pushed request, or as parameters. */
function askedScopes({ oidc, query }: Context): readonly string[] {
  const { request = oidc.body?.request ?? query.request } = oidc.entities.PushedAuthorizationRequest ?? {}
  const given = request === undefined ? (oidc.body ?? query) : decodeJwt(String(request))
  return typeof given.scope === 'string' ? given.scope.split(' ') : []
}

/** Replaces what the engine would decide or create by itself. */
function useOurs(provider: Provider, parts: EngineParts): void {
  const { Client, Session, AccessToken, IdToken, RefreshToken, ReplayDetection, AuthorizationCode, DeviceCode } =
    provider

  // One statement of the store, so that concurrent requests on several nodes cannot both be the first.
  ReplayDetection.unique = parts.claim

  // The client of the engine has the metadata of `clientOf`, and so our own rules can be applied to it.
  Client.prototype.redirectUriAllowed = function (this: ClientMetadata, uri) {
    return isRegisteredRedirect(this.applicationType === 'native' ? 'native' : 'server', this.redirectUris, uri)
  }
  // A request could otherwise choose a mode in which the engine shows a page of its own. The default mode of a response
  // type that is not supported passes: the next check refuses the type, in the words of RFC 6749 §4.1.2.1.
  Client.prototype.responseModeAllowed = (mode, type) => mode === 'query' || (mode === 'fragment' && type !== 'code')
  Client.prototype.includeSid = () => true

  // A sign-in may always ask for a token for our own API: it is the same as asking for none in particular.
  for (const { prototype } of [AuthorizationCode, DeviceCode])
    Object.defineProperty(prototype, 'resourceIndicators', {
      get(this: { readonly resource?: string | readonly string[] }) {
        return new Set([this.resource ?? [], parts.ownResources].flat())
      },
    })

  // One session for all applications: ours. Its ID never changes, and a grant belongs to it and to one application.
  Session.prototype.sidFor = function (this: { uid: string }) {
    return this.uid
  }
  Session.prototype.grantIdFor = function (this: { uid: string }, client) {
    return `${this.uid}.${client}`
  }
  Session.prototype.resetIdentifier = () => undefined
  // `max_age`, by the clock that all nodes share: that of this machine may be wrong.
  Session.prototype.past = function (this: { loginTs?: number }, maxAge) {
    return this.loginTs === undefined || epochSeconds(parts.clock()) - this.loginTs > Number(maxAge)
  }

  // The engine knows people by account ID. An application may know them by another subject. It is signed with our keys,
  // which change, with the algorithm that the application can verify, and by the clock that all nodes share.
  IdToken.prototype.issue = async function () {
    const { clientId } = this.client
    const sub = await parts.subject(clientId, this.available.sub)
    if (sub === undefined) throw new errors.InvalidGrant('client is gone')
    this.available.sub = sub
    const signed = await parts.signIdToken(clientId, await this.payload())
    if (signed === undefined) throw new errors.InvalidGrant('client is gone')
    return signed
  }
  // A hint may be older than a change of the algorithm, and its key newer than the keys that this node has read.
  IdToken.validate = async (idToken, { clientId }) => {
    const sub = await parts.readHint(clientId, idToken).catch((error: unknown) => {
      // The engine takes whatever is thrown here for an invalid hint, also an outage.
      if (Provider.ctx) parts.onError(Provider.ctx.req, error)
      throw error
    })
    if (sub === undefined) throw new Error('not an id_token of this client')
    return { payload: { sub } }
  }

  /** The refresh token of the sign-in that the current token request started. */
  const started = new WeakMap<IncomingMessage, string>()
  AccessToken.prototype.save = async function (this: Token) {
    const context = Provider.ctx
    const { AuthorizationCode: fromBrowser, DeviceCode: fromDevice } = context?.oidc.entities ?? {}
    const code = fromBrowser ?? fromDevice
    if (!context || !code) throw new Error('an access token was issued without a code')
    const { jkt: dpopKey = null } = this
    const session = await parts.start(code, context.req, dpopKey)
    if (!session) throw new errors.InvalidGrant('session is over')
    const { scope = '', aud } = this
    const issued = await parts.tokens(session, { scope, resource: aud ?? null, dpopKey })
    if (!issued) throw new errors.InvalidGrant('client is gone')
    started.set(context.req, issued.refreshToken)
    // The id_token, which follows, has the session ID that this application knows.
    code.sid = session.sid
    this.expiresIn = issued.expiresIn
    return issued.token
  }
  RefreshToken.prototype.save = async () => {
    const token = Provider.ctx && started.get(Provider.ctx.req)
    if (token === undefined) throw new Error('a refresh token was issued without an access token')
    return token
  }
}

/**
 * The nonces of the engine follow the clock of its machine, and ours the clock that all nodes share. A client gets both
 * from one address, so they must be the same. The engine has no option for that, only a member inside.
 */
function useOurNonces(provider: Provider, nonces: Nonces): void {
  const inside = internals(provider)
  if (inside.DPoPNonces === undefined) throw new Error('oidc-provider has its DPoP nonces elsewhere')
  inside.DPoPNonces = { nextChallenge: nonces.current, checkChallenge: nonces.accepts }
}

type ClientMetadata = {
  readonly clientId: string
  readonly applicationType: string
  readonly redirectUris: readonly string[]
}
