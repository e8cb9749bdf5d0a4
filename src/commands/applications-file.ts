/** The file of `applications apply` and `applications export`: its schema, and how it is read. */
import { z } from 'zod'
import { applicationAuths, applicationKinds, idTokenAlgorithms, subjectTypes } from '../applications/policy.ts'
import type { DeclaredApplication } from '../flows/apply-applications.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import {
  type FileFault,
  pathText,
  readDeclarations,
  readReference,
  reference,
  type SecretSources,
} from './declaration-file.ts'

/** A secret that is shorter could be guessed. One that we generate has 43 characters. */
const leastSecret = 32

const uris = z.array(z.string())
const seconds = z.int().nullable()
const declaration = z
  .strictObject({
    id: z
      .string()
      .regex(/^[a-z][a-z0-9_]{2,60}$/)
      .describe('The ID of the application: the `client_id`, such as `grafana`'),
    kind: z.enum(applicationKinds).describe('Where its code runs'),
    name: z.string().describe('The name that people see'),
    enabled: z.boolean().default(true).describe('Whether people can sign in to it'),
    first_party: z.boolean().optional().describe('People are not asked for consent; false by default'),
    redirect_uris: uris.describe('Where people may return to after signing in'),
    post_logout_redirect_uris: uris.optional().describe('Where people may return to after signing out'),
    cors_origins: uris.optional().describe('The origins of its scripts; by default those of the redirect URIs'),
    scopes: z.array(z.string()).optional().describe('What it may ask for'),
    resources: uris.optional().describe('The APIs it may request access tokens for'),
    client_auth: z.enum(applicationAuths).optional().describe('How it authenticates at the token endpoint'),
    access_token_seconds: seconds.optional().describe('Lifetime of its access tokens'),
    refresh_token_seconds: seconds.optional().describe('Idle lifetime of its refresh tokens'),
    backchannel_logout_uri: z.string().nullable().optional().describe('Where it is notified when a session ends'),
    logo_uri: z.string().nullable().optional().describe('The URL of its logo, for your own pages'),
    jwks: z
      .object({ keys: z.array(z.record(z.string(), z.unknown())) })
      .nullable()
      .optional()
      .describe('Its public keys (RFC 7517)'),
    jwks_uri: z.string().nullable().optional().describe('Where it publishes its keys instead of `jwks`'),
    dpop_bound_access_tokens: z.boolean().optional().describe('Whether its tokens must be bound to a key (RFC 9449)'),
    subject_type: z.enum(subjectTypes).optional().describe('Whether it knows people by account ID, or pairwise'),
    sector_identifier_uri: z
      .string()
      .nullable()
      .optional()
      .describe('A list of redirect URIs, at the host that is the sector of pairwise subjects'),
    id_token_signed_response_alg: z
      .enum(idTokenAlgorithms)
      .optional()
      .describe(
        'Signing algorithm of its id_tokens and logout tokens: ES256 by default, RS256 for clients that support nothing else',
      ),
    secret: reference
      .optional()
      .describe('Its secret. Without it, the stored one is kept, and a new application gets a generated one.'),
  })
  .meta({ id: 'Application' })

export const applicationsFile = z
  .strictObject({
    $schema: z.string().optional(),
    applications: z.array(declaration).max(500).describe('The applications. Others that are stored stay as they are.'),
  })
  .meta({ title: 'Vinculum applications', description: 'The file of `npm start -- applications apply`' })

/** The members of an application under their names in a file, in the API and in forms. */
export const memberNames = {
  name: 'name',
  firstParty: 'first_party',
  redirectUris: 'redirect_uris',
  postLogoutRedirectUris: 'post_logout_redirect_uris',
  corsOrigins: 'cors_origins',
  scopes: 'scopes',
  resources: 'resources',
  clientAuth: 'client_auth',
  accessTtlSeconds: 'access_token_seconds',
  refreshTtlSeconds: 'refresh_token_seconds',
  backchannelLogoutUri: 'backchannel_logout_uri',
  logoUri: 'logo_uri',
  jwks: 'jwks',
  jwksUri: 'jwks_uri',
  requiresDpop: 'dpop_bound_access_tokens',
  subjectType: 'subject_type',
  sectorIdentifierUri: 'sector_identifier_uri',
  idTokenAlgorithm: 'id_token_signed_response_alg',
} as const

/** Reads the text of the file, and the secrets that it refers to. Reports all errors together. */
export function readApplicationsFile(
  text: string,
  sources: SecretSources,
): Result<readonly DeclaredApplication[], readonly FileFault[]> {
  const read = readDeclarations(text, applicationsFile)
  if (!read.ok) return read
  const { applications } = read.value
  const faults: FileFault[] = []
  const declared = applications.map((one, index): DeclaredApplication => {
    const at = (member: string): string => pathText(['applications', index, member])
    if (applications.findIndex(({ id }) => id === one.id) < index)
      faults.push({ path: at('id'), message: 'is given twice' })
    const { kind, id, enabled, secret: given } = one
    const members = Object.fromEntries(
      Object.entries(memberNames).flatMap(([name, inFile]) => (one[inFile] === undefined ? [] : [[name, one[inFile]]])),
    )
    const secret = given && readReference(given, sources)
    if (secret && !secret.ok) faults.push({ path: at('secret'), message: secret.error })
    if (secret?.ok && secret.value.length < leastSecret)
      faults.push({ path: at('secret'), message: `must have at least ${leastSecret} characters` })
    return {
      ...members,
      id,
      kind,
      enabled,
      name: one.name.trim(),
      redirectUris: one.redirect_uris,
      ...(secret?.ok ? { secret: secret.value } : {}),
    }
  })
  return faults.length > 0 ? err(faults) : ok(declared)
}
