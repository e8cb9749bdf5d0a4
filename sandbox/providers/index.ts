/** Every look-alike. This is the only file that names them all; the rest of the sandbox derives from it. */
import type { Client } from '../clients.ts'
import type { CommonSwitches, LookAlike } from '../look-alike.ts'
import { apple } from './apple.ts'
import { atlassian } from './atlassian.ts'
import { auth0 } from './auth0.ts'
import { bitbucket } from './bitbucket.ts'
import { discord } from './discord.ts'
import { facebook } from './facebook.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'
import { google } from './google.ts'
import { keycloak } from './keycloak.ts'
import { linkedin } from './linkedin.ts'
import { microsoft } from './microsoft.ts'
import { oauth2 } from './oauth2.ts'
import { oidc } from './oidc.ts'
import { okta } from './okta.ts'
import { slack } from './slack.ts'
import { zitadel } from './zitadel.ts'

export const lookAlikes = {
  google,
  apple,
  microsoft,
  github,
  gitlab,
  atlassian,
  bitbucket,
  discord,
  facebook,
  slack,
  linkedin,
  okta,
  auth0,
  keycloak,
  zitadel,
  oidc,
  oauth2,
}

type LookAlikes = typeof lookAlikes
export type ProviderId = keyof LookAlikes
export type AccountAt<P extends ProviderId> = LookAlikes[P] extends LookAlike<infer Account, infer _> ? Account : never
type SwitchesAt<P extends ProviderId> =
  LookAlikes[P] extends LookAlike<infer _, infer Own> ? Own & CommonSwitches : never
export type Switches = { readonly [P in ProviderId]: SwitchesAt<P> }

export const PROVIDERS = Object.keys(lookAlikes) as ProviderId[]
export const isProvider = (text: unknown): text is ProviderId =>
  typeof text === 'string' && Object.hasOwn(lookAlikes, text)

/** A value for each provider. */
export const forEachProvider = <Value>(create: (provider: ProviderId) => Value): Record<ProviderId, Value> =>
  Object.fromEntries(PROVIDERS.map((provider) => [provider, create(provider)])) as Record<ProviderId, Value>

/** One look-alike, where it does not matter which. */
export const lookAlikeOf = (provider: ProviderId): LookAlike<object, object> => lookAlikes[provider]

export const CLIENTS: Record<ProviderId, Client> = forEachProvider((provider) => lookAlikes[provider].client)
/** The service's name for each sandbox provider: the `:provider` in its callback path. */
export const CALLBACK_NAME: Record<ProviderId, string> = forEachProvider(
  (provider) => lookAlikeOf(provider).id ?? provider,
)
// Each has the switches of its own look-alike.
export const switchesAtStart = (): Switches =>
  forEachProvider((provider): CommonSwitches => ({ unticked: [], ...lookAlikeOf(provider).switches?.() })) as Switches
