/** A sandbox: creates its state, starts its server on loopback, and returns a handle for tests and the demo. */
import type { AddressInfo } from 'node:net'
import type { JWTPayload } from 'jose'
import type { Client } from './clients.ts'
import { createControl } from './control.ts'
import { createFaults, type Fault, type FaultAt } from './faults.ts'
import { type Forgery, sign } from './id-token.ts'
import { createIdentities, type Identities, type Identity, person } from './identities.ts'
import { createJournal, type Journal } from './journal.ts'
import type { Person } from './look-alike.ts'
import { createPlace } from './place.ts'
import {
  CALLBACK_NAME,
  forEachProvider,
  lookAlikeOf,
  PROVIDERS,
  type ProviderId,
  type Switches,
  switchesAtStart,
} from './providers/index.ts'
import { createSandboxServer } from './server.ts'

export type { Fault, FaultAt } from './faults.ts'
export type { Identity } from './identities.ts'
export type { Journal } from './journal.ts'
export type { ProviderId, Switches } from './providers/index.ts'

export type Sandbox = {
  /** Without a trailing slash. */
  readonly url: string
  /** Environment variables that connect Vinculum to this sandbox. */
  readonly env: Record<string, string>
  /** The same for these providers only. */
  envOf(providers: readonly ProviderId[]): Record<string, string>
  readonly mode: Readonly<{ as: string; deny: boolean }>
  /** Signs in as this user at once, without a page. `click` shows the page again. */
  as(identity: string | 'click'): void
  /** Declines at once. */
  deny(on?: boolean): void
  fault(at: FaultAt, what: Fault): void
  faults(): { at: FaultAt; what: Fault; used: number }[]
  clearFaults(provider?: ProviderId): void
  readonly journal: Journal
  clearJournal(): void
  readonly identities: Identities
  /** Adds an ordinary user, with differences at single providers. */
  addIdentity(who: Person, changes?: Changes): Identity
  /** Assign values to change it: `sandbox.switches.github.app = 'github-app'`. */
  readonly switches: Switches
  readonly clock: { now(): Date; advance(seconds: number): void }
  killRefreshTokens(provider: ProviderId, identity?: string): number
  killAccessTokens(provider: ProviderId, identity?: string): number
  rotateKeys(provider: ProviderId): void
  allowRedirect(provider: ProviderId, uri: string): void
  /** Has no effect on providers with clients of their own (OpenID Connect). */
  addClient(provider: ProviderId, client: Client): void
  signIdToken(provider: ProviderId, claims: JWTPayload, forgery?: Forgery): Promise<string>
  /** Resets everything: faults, journal, mode, identities, grants, switches, keys, clock. */
  reset(): void
  close(): Promise<void>
}

/** Differences of a user at single providers: `undefined` removes a field, `null` the whole account there. */
export type Changes = {
  [P in ProviderId]?: { [F in keyof NonNullable<Identity[P]>]?: NonNullable<Identity[P]>[F] | undefined } | null
}

export type SandboxOptions = {
  port?: number
  host?: '127.0.0.1'
  clock?: () => Date
  as?: string | 'click'
  /** The origin of the application if it is not on loopback. Its callbacks are then registered. */
  appOrigin?: string
}

/** Endpoints that are a setting of the service. */
const CONFIGURABLE = ['authorize', 'token', 'userinfo', 'emails', 'revoke', 'jwks'] as const

function settingsOf(provider: ProviderId, origin: string): Record<string, string> {
  const { client, paths, isDiscovered, settings } = lookAlikeOf(provider)
  const url = `${origin}/${provider}`
  const endpoints = isDiscovered ? [] : CONFIGURABLE.filter((endpoint) => paths[endpoint] !== undefined)
  const values = {
    CLIENT_ID: client.id,
    CLIENT_SECRET: client.secret,
    ...Object.fromEntries(endpoints.map((endpoint) => [`${endpoint.toUpperCase()}_URL`, `${url}${paths[endpoint]}`])),
    ...settings?.(url),
  }
  const prefix = CALLBACK_NAME[provider].toUpperCase().replaceAll('-', '_')
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === null ? [] : [[`${prefix}_${name}`, value]])),
  )
}

/** The IDs of those providers that this setting lists. */
const listedIn = (setting: 'OIDC_PROVIDERS' | 'OAUTH2_PROVIDERS', providers: readonly ProviderId[]): string =>
  providers
    .filter((provider) => lookAlikeOf(provider).listedIn === setting)
    .map((provider) => CALLBACK_NAME[provider])
    .join(' ')

const environment = (origin: string, providers: readonly ProviderId[]): Record<string, string> =>
  Object.assign(
    {
      OIDC_PROVIDERS: listedIn('OIDC_PROVIDERS', providers),
      OAUTH2_PROVIDERS: listedIn('OAUTH2_PROVIDERS', providers),
    },
    ...providers.map((provider) => settingsOf(provider, origin)),
  )

export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { port = 0, host = '127.0.0.1', clock = () => new Date(), as = 'click', appOrigin } = options
  let url = ''
  let ahead = 0
  const now = () => new Date(clock().getTime() + ahead)
  const mode = { as, deny: false }
  const identities = createIdentities()
  const switches = switchesAtStart()
  const places = forEachProvider((provider) =>
    createPlace(provider, { url: () => url, now, mode, identities, switches, appOrigin }),
  )
  const behaviors = forEachProvider((provider) => lookAlikeOf(provider).create(places[provider]))
  const faults = createFaults()
  const log = createJournal()

  const sandbox: Sandbox = {
    get url() {
      return url
    },
    get env() {
      return environment(url, PROVIDERS)
    },
    envOf: (providers) => environment(url, providers),
    mode,
    as(identity) {
      if (identity !== 'click' && !identities.get(identity))
        throw new Error(`There is no user with the key ${identity}`)
      mode.as = identity
      mode.deny = false
    },
    deny(on = true) {
      mode.deny = on
    },
    fault: faults.set,
    faults: faults.list,
    clearFaults: faults.clear,
    journal: log.journal,
    clearJournal: log.clear,
    identities,
    addIdentity(who, changes = {}) {
      const identity: Record<string, unknown> = person(who)
      for (const [provider, change] of Object.entries(changes)) {
        identity[provider] = change === null ? undefined : { ...Object(identity[provider]), ...change }
      }
      // Still an identity: every change was merged into the member of its own provider.
      const added = identity as unknown as Identity
      identities.set(added)
      return added
    },
    switches,
    clock: {
      now,
      advance(seconds) {
        ahead += seconds * 1000
      },
    },
    killRefreshTokens: (provider, identity) =>
      (behaviors[provider].killRefreshTokens ?? ((who) => places[provider].grants.killAll('refresh', who)))(identity),
    killAccessTokens: (provider, identity) =>
      (behaviors[provider].killAccessTokens ?? ((who) => places[provider].grants.killAll('access', who)))(identity),
    rotateKeys: (provider) => places[provider].keys.rotate(),
    allowRedirect: (provider, uri) => places[provider].registry.addRedirect(uri),
    addClient: (provider, client) => places[provider].registry.addClient(client),
    signIdToken: (provider, claims, forgery) => sign(places[provider], claims, forgery),
    reset() {
      faults.clear()
      log.clear()
      Object.assign(mode, { as, deny: false })
      ahead = 0
      identities.reset()
      const start = switchesAtStart()
      for (const provider of PROVIDERS) {
        const { registry, codes, grants, keys } = places[provider]
        for (const state of [registry, codes, grants, keys]) state.reset()
        Object.assign(switches[provider], start[provider])
        behaviors[provider].reset?.()
      }
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        // Hanging and slow responses would otherwise keep the server open forever.
        server.closeAllConnections()
      }),
  }

  const server = createSandboxServer({
    url: () => url,
    now,
    places,
    behaviors,
    faults,
    log,
    control: createControl(sandbox, places),
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  url = `http://${host}:${(server.address() as AddressInfo).port}`
  return sandbox
}
