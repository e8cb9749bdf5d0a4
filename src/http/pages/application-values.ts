import { z } from 'zod'
import {
  type ApplicationKind,
  applicationAuths,
  applicationKinds,
  idTokenAlgorithms,
  isStandardScope,
  kindRules,
  standardScopes,
  subjectTypes,
} from '../../applications/policy.ts'
import type { Application } from '../../applications/ports.ts'
import type { FormRefusal } from '../page-frame.ts'
import { type FieldFault, fault } from '../problem.ts'
import { object } from '../route.ts'
import { line, storable } from '../schemas/fields.ts'
import type { Reader } from './layout.tsx'

/** What the form of an application contains, as it is sent and as it is shown. The rules of applications check it. */

/** A list with one entry per line. Copied text often has spaces around it, and empty lines. */
const lines = storable(16_384)
  .optional()
  .transform((text) =>
    text
      ?.split('\n')
      .map((one) => one.trim())
      .filter((one) => one !== ''),
  )
const oneOrNull = storable(4096)
  .optional()
  .transform((text) => (text === undefined ? undefined : text.trim() || null))
/** A number of seconds; `NaN` for anything else, which the rules of applications refuse. */
const secondsOrNull = z
  .string()
  .max(12)
  .optional()
  .transform((text) => {
    if (text === undefined) return undefined
    return text.trim() === '' ? null : /^\d{1,9}$/.test(text.trim()) ? Number(text) : Number.NaN
  })

const fields = {
  name: line.describe('The name that people see'),
  first_party: z.literal('yes').optional().describe('People are not asked for consent'),
  redirect_uris: lines.describe('The redirect URIs, one per line'),
  post_logout_redirect_uris: lines.describe('Where people may return to after signing out, one per line'),
  cors_origins: lines.describe('The origins, one per line'),
  scopes: z.array(z.enum(standardScopes)).max(10).optional().describe('The standard scopes it may ask for'),
  api_scopes: lines.describe('The scopes of its APIs, one per line'),
  resources: lines.describe('Its APIs, one URL per line'),
  client_auth: z.enum(applicationAuths).optional().describe('How it authenticates at the token endpoint'),
  access_token_seconds: secondsOrNull.describe('Lifetime of access tokens'),
  refresh_token_seconds: secondsOrNull.describe('Idle lifetime of refresh tokens'),
  backchannel_logout_uri: oneOrNull.describe('Where it is notified when a session ends'),
  logo_uri: oneOrNull.describe('The URL of its logo'),
  jwks_uri: oneOrNull.describe('Where it publishes its keys'),
  subject_type: z.enum(subjectTypes).optional().describe('How it knows people'),
  sector_identifier_uri: oneOrNull.describe('The list of redirect URIs of its sector'),
  id_token_signed_response_alg: z.enum(idTokenAlgorithms).optional().describe('Signing algorithm of its id_tokens'),
}

type Given = { readonly [N in keyof typeof fields]?: z.output<(typeof fields)[N]> | undefined }

/** The fields of a form as the API takes them. */
function bodyOf(
  { api_scopes, scopes, first_party, name = '', redirect_uris = [], ...rest }: Given,
  kind: ApplicationKind | undefined,
) {
  const own = kind === undefined || kindRules[kind].hasPeople ? ['openid'] : []
  return {
    ...rest,
    name,
    redirect_uris,
    first_party: first_party === 'yes',
    scopes: [...new Set([...own, ...(scopes ?? []), ...(api_scopes ?? [])])],
  }
}

const kindField = z.enum(applicationKinds).describe('Where its code runs')
/** The kind is in the form only to know its fields: it never changes. */
export const editFields = object({ ...fields, kind: kindField.optional() }).transform(({ kind, ...given }) =>
  bodyOf(given, kind),
)
export const createFields = z
  .strictObject({ ...fields, kind: kindField })
  .transform(({ kind, cors_origins: origins, ...given }) => ({
    ...bodyOf(given, kind),
    kind,
    // Without any, those of the redirect URIs.
    ...(origins === undefined || origins.length === 0 ? {} : { cors_origins: origins }),
  }))

/** What a form shows: an application, or what was typed. */
export type FormValues = {
  readonly name: string
  readonly firstParty: boolean
  readonly redirectUris: readonly string[]
  readonly postLogoutRedirectUris: readonly string[]
  readonly corsOrigins: readonly string[]
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  readonly clientAuth: Application['clientAuth'] | undefined
  readonly accessTtlSeconds: number | null
  readonly refreshTtlSeconds: number | null
  readonly backchannelLogoutUri: string | null
  readonly logoUri: string | null
  readonly jwksUri: string | null
  readonly subjectType: Application['subjectType']
  readonly sectorIdentifierUri: string | null
  readonly idTokenAlgorithm: Application['idTokenAlgorithm']
}

export const noValues: FormValues = {
  name: '',
  firstParty: true,
  redirectUris: [],
  postLogoutRedirectUris: [],
  corsOrigins: [],
  scopes: ['openid', 'profile', 'email', 'offline_access'],
  resources: [],
  clientAuth: undefined,
  accessTtlSeconds: null,
  refreshTtlSeconds: null,
  backchannelLogoutUri: null,
  logoUri: null,
  jwksUri: null,
  subjectType: 'public',
  sectorIdentifierUri: null,
  idTokenAlgorithm: 'ES256',
}

/** What was typed, for the form that is shown again. */
export const typedValues = (body: z.output<typeof editFields>): FormValues => ({
  name: body.name,
  firstParty: body.first_party,
  redirectUris: body.redirect_uris,
  postLogoutRedirectUris: body.post_logout_redirect_uris ?? [],
  corsOrigins: body.cors_origins ?? [],
  scopes: body.scopes,
  resources: body.resources ?? [],
  clientAuth: body.client_auth,
  accessTtlSeconds: body.access_token_seconds ?? null,
  refreshTtlSeconds: body.refresh_token_seconds ?? null,
  backchannelLogoutUri: body.backchannel_logout_uri ?? null,
  logoUri: body.logo_uri ?? null,
  jwksUri: body.jwks_uri ?? null,
  subjectType: body.subject_type ?? 'public',
  sectorIdentifierUri: body.sector_identifier_uri ?? null,
  idTokenAlgorithm: body.id_token_signed_response_alg ?? 'ES256',
})

/** Why the form was refused: each error at its field, and at its line of a list. */
export function refusalsIn(
  faults: readonly FieldFault[] | undefined,
  scopes: readonly string[],
  { locale, say }: Reader,
): readonly FormRefusal[] {
  const found = new Map<string, string>()
  for (const { path, code, params } of faults ?? []) {
    const [name = '', at] = path.split('.')
    const { detail } = fault(path, code, locale, params)
    // The standard scopes are boxes: only a scope of an API can be wrong.
    const field = name === 'scopes' ? 'api_scopes' : name
    const before = name === 'scopes' ? scopes.slice(0, Number(at)).filter(isStandardScope).length : 0
    const text = at === undefined ? detail : say.applications.line(Number(at) + 1 - before, detail)
    if (!found.has(field)) found.set(field, text)
  }
  return [...found].map(([field, text]) => ({ field, text, atField: true }))
}
