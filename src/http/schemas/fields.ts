import { z } from 'zod'
import type { UserPlace } from '../../accounts/ports.ts'
import { isApplicationId } from '../../applications/policy.ts'
import { roles } from '../../kernel/account.ts'
import { locales } from '../../kernel/locale.ts'
import { readTimeZone } from '../../kernel/time-zone.ts'
import { object } from '../route.ts'

/** Fields and parameters of more than one route. */

export const time = z.iso.datetime().meta({ id: 'Time', description: 'A time (RFC 3339, UTC)' })

export const RoleSchema = z
  .enum(roles)
  .meta({ id: 'Role', description: 'The role of an account, which gives it its scopes' })
export const LocaleName = z.enum(locales).meta({ id: 'Locale', description: 'The language of pages and email' })

/** The name of a time zone, as the runtime writes it. */
export const timeZone = z.string().transform((text, context): string => {
  const name = readTimeZone(text)
  if (name !== undefined) return name
  context.addIssue({ code: 'invalid_format', format: 'time_zone', input: text })
  return z.NEVER
})

/** How a session was authenticated. */
export const amr = z.array(z.string()).describe('The authentication methods that were used (RFC 8176)')
export const ip = z.string().nullable().describe('The IP address; null if it is unknown')
export const userAgent = z.string().nullable().describe('The user agent the client sent')

export const providerParams = object({
  provider: z.string().max(40).meta({ parameter: 'Provider', description: 'A provider ID, such as `google`' }),
})
/** The ID of a provider by which a list is filtered. */
export const providerId = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/)
export const redirectUriKey = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,30}$/)
  .describe('Which of the configured redirect URIs of the provider to use, by its key')

/**
 * Text that every database stores unchanged: PostgreSQL refuses NUL, and half of a surrogate pair is not text. `most`:
 * the number of characters.
 */
export const storable = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[^\0\p{Cs}]*$/u)

/** An opaque value that we issued. A longer one was not, and is not worth hashing. */
export const secretText = z.string().min(1).max(512).describe('An opaque secret from an earlier response or an email')
export const flowToken = secretText.describe('The `flow_token` from the response that started this flow')
export const emailedTicket = secretText.describe('The `ticket` parameter of the emailed link')

/** A one-time code as typed. Which of its characters count is decided where it is compared. */
export const typedCode = z.string().max(64).describe('The code as the user typed it; spaces and hyphens are ignored')

/**
 * One line of text that a user chose, for display. A control character could forge a second line, a bidirectional one
 * could reorder the text around it, and half a surrogate pair is not text: a database would store something else.
 */
export const line = z
  .string()
  .trim()
  .max(200)
  .regex(/^[^\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]*$/u)
  .describe('One line of text')

/** A field of a form that may stay empty: browsers send it nevertheless. */
export const emptyAsUndefined = <S extends z.ZodType<string, string>>(schema: S) =>
  z.union([z.literal('').transform(() => undefined), schema]).optional()

/** The name of a team: it fits in a heading and has at least one visible character. */
export const teamName = line
  .min(1)
  .max(80)
  .regex(/[\p{L}\p{N}\p{P}\p{S}]/u)
  .describe('The name of the team')

/** The name of a device, short enough for a heading. */
export const deviceNameText = line.max(60)

/** A password to compare. One that is too long to be ours is nobody's. */
export const passwordGiven = z.string().min(1).max(4096).describe('The current password')
/** A new password. Its errors depend on more than the length, so it is checked later. */
export const passwordChosen = z
  .string()
  .max(4096)
  .describe('The new password. A short, common or personal one is rejected with `password_rejected`')
/** An email address as typed, or none. `readEmail` checks it, and the error names the field. */
export const addressText = z.string().max(320).describe('An email address')

/**
 * Text that cannot be one of our IDs is looked up like an unknown ID. PostgreSQL never gets text that it cannot compare
 * (NUL).
 */
export const anId = z.string().transform((text) => (/^\w{1,80}$/.test(text) ? text : '-'))

/** The same for an application, whose ID may also be the URL of a document. */
export const anApplicationId = z.string().transform((text) => (isApplicationId(text) ? text : '-'))

/** What every session shows, to its user and to administrators. */
export const sessionFields = {
  id: z.string().describe('The session ID'),
  created_at: time.describe('When the user signed in'),
  last_seen_at: time.describe('When the session was last used'),
  ip,
  user_agent: userAgent,
  amr,
  provider: z.string().nullable().describe('The provider of the sign-in; null without one'),
}

/** The ID in a path, under the name its parameter has in the API description. */
const pathId = (parameter: string, description: string) => anId.meta({ parameter, description })
export const idParams = object({ id: pathId('Id', 'The ID from the list or from the response that created it') })
export const accountParams = object({ id: pathId('AccountId', 'The ID of an account') })
export const sessionParams = object({ id: pathId('SessionId', 'The ID of a session') })
export const accountSessionParams = object({
  id: pathId('AccountId', 'The ID of an account'),
  session_id: pathId('AccountSessionId', 'The ID of a session of the account'),
})
export const identityParams = object({ id: pathId('IdentityId', 'The ID of a linked identity') })
export const passkeyParams = object({ id: pathId('PasskeyId', 'The ID of a passkey') })
export const credentialParams = object({ id: pathId('CredentialId', 'The ID of a service credential') })
export const managedProviderParams = object({
  id: z
    .string()
    .transform((text) => (/^[a-z][a-z0-9-]{0,30}$/.test(text) ? text : '-'))
    .meta({ parameter: 'ManagedProviderId', description: 'The ID of a provider' }),
})
const teamId = pathId('TeamId', 'The ID of a team')
export const teamParams = object({ id: teamId })
export const memberParams = object({ id: teamId, user_id: pathId('MemberId', 'The account ID of a member') })
export const invitationParams = object({
  id: teamId,
  invitation_id: pathId('InvitationId', 'The ID of an invitation'),
})

/** How many entries a page of a list has. */
export const pageSize = (standard: number) =>
  z.coerce.number().int().min(1).max(100).default(standard).describe('How many entries to return at most')

/** One scope (RFC 6749 appendix A.4). */
export const scopeToken = z
  .string()
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/)
  .describe('A scope, as the provider spells it')

/** As the parser writes it, percent-encoded: the original text may contain what PostgreSQL cannot store (NUL). */
export const pictureUrl = z
  .url({ protocol: /^https$/, normalize: true })
  .max(2048)
  .describe('The HTTPS URL of a picture')

/**
 * Where a page of accounts ended: `<time>.<id>`, followed in a search by `.<index>.<key>`. If that account is deleted
 * in the meantime, the position stays.
 */
export const userCursor = z
  .string()
  // The key is a whole name: 256 characters (`readText`) of up to four bytes. Lower case may have twice as many.
  .regex(/^[A-Za-z0-9_-]{1,3000}$/)
  .transform((text, context): UserPlace => {
    const parts = /^(\d{1,13})\.(\w{1,80})(?:\.(\d{1,2})\.([^\0]{0,600}))?$/su
    const [, at, id, index, key] = parts.exec(Buffer.from(text, 'base64url').toString()) ?? []
    if (at !== undefined && id !== undefined) {
      const place = { at: new Date(Number(at)), id }
      return index === undefined || key === undefined ? place : { ...place, begins: { index: Number(index), key } }
    }
    context.addIssue({ code: 'invalid_format', format: 'cursor', input: text })
    return z.NEVER
  })
  .describe('The `next_cursor` of the previous page')
export const userCursorOf = ({ at, id, begins }: UserPlace): string =>
  Buffer.from(`${at.getTime()}.${id}${begins ? `.${begins.index}.${begins.key}` : ''}`).toString('base64url')

/** Where a page of a list continues that is ordered by time and ID. */
export const placeCursor = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,200}$/)
  .transform((text, context): Place => {
    const [, at, id] = /^(\d{1,13})\.(\w{1,80})$/.exec(Buffer.from(text, 'base64url').toString()) ?? []
    if (at !== undefined && id !== undefined) return { createdAt: new Date(Number(at)), id }
    context.addIssue({ code: 'invalid_format', format: 'cursor', input: text })
    return z.NEVER
  })
  .describe('The `cursor` in the `Link` header of the previous page')
type Place = { readonly createdAt: Date; readonly id: string }
export const placeCursorOf = ({ createdAt, id }: Place): string =>
  Buffer.from(`${createdAt.getTime()}.${id}`).toString('base64url')
