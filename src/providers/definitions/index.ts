import type { Definition } from '../provider.ts'
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

/** Every kind of provider. This is the only file that names them all. */
export const definitions = {
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
} as const satisfies Record<string, Definition>

export type Kind = keyof typeof definitions
