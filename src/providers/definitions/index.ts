import type { Definition } from '../provider.ts'
import { atlassian } from './atlassian.ts'
import { github } from './github.ts'
import { google } from './google.ts'
import { oauth2 } from './oauth2.ts'
import { oidc } from './oidc.ts'

/** Every kind of provider. This is the only file that names them all. */
export const definitions = { google, github, atlassian, oidc, oauth2 } as const satisfies Record<string, Definition>

export type Kind = keyof typeof definitions
