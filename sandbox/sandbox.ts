/** A sandbox: creates its state, starts its server on loopback, and returns a handle for tests and the demo. */
import type { AddressInfo } from 'node:net'
import type { JWTPayload } from 'jose'
import { createAtlassian } from './atlassian.ts'
import { CALLBACK_NAME, CLIENTS, type Client, createRegistry } from './clients.ts'
import { createCodes } from './codes.ts'
import { createControl } from './control.ts'
import type { ProviderId } from './exchange.ts'
import { createFaults, type Fault, type FaultAt } from './faults.ts'
import { createGitHub } from './github.ts'
import { createGoogle } from './google.ts'
import { createGrants } from './grants.ts'
import { type Forgery, sign } from './id-token.ts'
import { createIdentities, type Identities, type Identity, type Person, person } from './identities.ts'
import { createJournal, type Journal } from './journal.ts'
import { createKeyRing } from './keys.ts'
import { createOAuth2 } from './oauth2.ts'
import { createOidc } from './oidc.ts'
import { createSandboxServer } from './server.ts'
import { type Switches, switchesAtStart } from './switches.ts'
import type { LookAlike, World } from './world.ts'

export type { ProviderId } from './exchange.ts'
export type { Fault, FaultAt } from './faults.ts'
export type { Identity } from './identities.ts'
export type { Journal } from './journal.ts'
export type { Switches } from './switches.ts'

export type Sandbox = {
  /** Without a trailing slash. */
  readonly url: string
  /** Environment variables that connect Vinculum to this sandbox. */
  readonly env: Record<string, string>
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
  rotateKeys(provider: 'google' | 'oidc'): void
  allowRedirect(provider: ProviderId, uri: string): void
  addClient(provider: Exclude<ProviderId, 'oidc'>, client: Client): void
  signIdToken(provider: 'google' | 'oidc', claims: JWTPayload, forgery?: Forgery): Promise<string>
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

function environment(url: string): Record<string, string> {
  const google = `${url}/google`
  const github = `${url}/github`
  const atlassian = `${url}/atlassian`
  const beta = `${url}/oauth2`
  const credentials = (prefix: string, provider: ProviderId) => ({
    [`${prefix}_CLIENT_ID`]: CLIENTS[provider].id,
    [`${prefix}_CLIENT_SECRET`]: CLIENTS[provider].secret,
  })
  return {
    ...credentials('GOOGLE', 'google'),
    GOOGLE_AUTHORIZE_URL: `${google}/o/oauth2/v2/auth`,
    GOOGLE_TOKEN_URL: `${google}/token`,
    GOOGLE_USERINFO_URL: `${google}/oauth2/v3/userinfo`,
    GOOGLE_REVOKE_URL: `${google}/revoke`,
    GOOGLE_JWKS_URL: `${google}/oauth2/v3/certs`,
    ...credentials('GITHUB', 'github'),
    GITHUB_AUTHORIZE_URL: `${github}/login/oauth/authorize`,
    GITHUB_TOKEN_URL: `${github}/login/oauth/access_token`,
    GITHUB_USERINFO_URL: `${github}/user`,
    GITHUB_EMAILS_URL: `${github}/user/emails`,
    GITHUB_API_URL: github,
    ...credentials('ATLASSIAN', 'atlassian'),
    ATLASSIAN_AUTHORIZE_URL: `${atlassian}/authorize`,
    ATLASSIAN_TOKEN_URL: `${atlassian}/oauth/token`,
    ATLASSIAN_USERINFO_URL: `${atlassian}/me`,
    ATLASSIAN_REVOKE_URL: `${atlassian}/oauth/revoke`,
    ATLASSIAN_RESOURCES_URL: `${atlassian}/oauth/token/accessible-resources`,
    ATLASSIAN_API_URL: atlassian,
    OIDC_PROVIDERS: CALLBACK_NAME.oidc,
    ACME_NAME: 'Acme ID',
    ACME_ISSUER: `${url}/oidc`,
    ...credentials('ACME', 'oidc'),
    OAUTH2_PROVIDERS: CALLBACK_NAME.oauth2,
    BETA_NAME: 'Beta',
    ...credentials('BETA', 'oauth2'),
    BETA_AUTHORIZE_URL: `${beta}/authorize`,
    BETA_TOKEN_URL: `${beta}/token`,
    BETA_USERINFO_URL: `${beta}/userinfo`,
    BETA_REVOKE_URL: `${beta}/revoke`,
    BETA_SCOPES: 'read:user',
    BETA_USER_ID_PATH: 'data.user.uid',
    BETA_USER_EMAIL_PATH: 'data.user.contact.mail',
    BETA_USER_EMAIL_VERIFIED_PATH: 'data.user.contact.confirmed',
    BETA_USER_NAME_PATH: 'data.user.label',
  }
}

export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { port = 0, host = '127.0.0.1', clock = () => new Date(), as = 'click', appOrigin } = options
  let url = ''
  let ahead = 0
  const now = () => new Date(clock().getTime() + ahead)
  const mode = { as, deny: false }
  const world: World = {
    get url() {
      return url
    },
    now,
    mode,
    identities: createIdentities(),
    registry: createRegistry(appOrigin),
    codes: createCodes(now),
    grants: createGrants(now),
    switches: switchesAtStart(),
    keys: { google: createKeyRing('google'), oidc: createKeyRing('acme') },
  }
  const lookAlikes: Record<ProviderId, LookAlike> = {
    google: createGoogle(world),
    github: createGitHub(world),
    atlassian: createAtlassian(world),
    oidc: createOidc(world),
    oauth2: createOAuth2(world),
  }
  const faults = createFaults()
  const log = createJournal()

  const sandbox: Sandbox = {
    get url() {
      return url
    },
    get env() {
      return environment(url)
    },
    mode,
    as(identity) {
      if (identity !== 'click' && !world.identities.get(identity))
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
    identities: world.identities,
    addIdentity(who, changes = {}) {
      const identity: Record<string, unknown> = person(who)
      for (const [provider, change] of Object.entries(changes)) {
        identity[provider] = change === null ? undefined : { ...Object(identity[provider]), ...change }
      }
      // Still an identity: every change was merged into the member of its own provider.
      const added = identity as unknown as Identity
      world.identities.set(added)
      return added
    },
    switches: world.switches,
    clock: {
      now,
      advance(seconds) {
        ahead += seconds * 1000
      },
    },
    killRefreshTokens: (provider, identity) => lookAlikes[provider].killRefreshTokens(identity),
    killAccessTokens: (provider, identity) => lookAlikes[provider].killAccessTokens(identity),
    rotateKeys: (provider) => world.keys[provider].rotate(),
    allowRedirect: world.registry.addRedirect,
    addClient: world.registry.addClient,
    signIdToken: (provider, claims, forgery) => sign(world, provider, claims, forgery),
    reset() {
      faults.clear()
      log.clear()
      Object.assign(mode, { as, deny: false })
      ahead = 0
      world.identities.reset()
      world.registry.reset()
      world.codes.reset()
      world.grants.reset()
      Object.assign(world.switches, switchesAtStart())
      world.keys.google.reset()
      world.keys.oidc.reset()
      for (const lookAlike of Object.values(lookAlikes)) lookAlike.reset?.()
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        // Hanging and slow responses would otherwise keep the server open forever.
        server.closeAllConnections()
      }),
  }

  const server = createSandboxServer({ world, lookAlikes, faults, log, control: createControl(sandbox) })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  url = `http://${host}:${(server.address() as AddressInfo).port}`
  return sandbox
}
