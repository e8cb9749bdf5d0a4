import { z } from 'zod'
import type { UserPlace } from '../../accounts/ports.ts'
import { roles } from '../../kernel/account.ts'
import { locales } from '../../kernel/locale.ts'
import { object } from '../route.ts'

/** The fields and parameters that more than one route has. */

export const time = z.iso.datetime().describe('A time (RFC 3339, UTC)')

export const RoleSchema = z
  .enum(roles)
  .meta({ id: 'Role', description: 'The role of an account, which gives it its scopes' })
export const LocaleName = z.enum(locales).meta({ id: 'Locale', description: 'The language of pages and email' })

/** How a session was authenticated. */
export const amr = z.array(z.string()).describe('The authentication methods that were used (RFC 8176)')
export const ip = z.string().nullable().describe('The IP address; null if it is unknown')
export const userAgent = z.string().nullable().describe('The user agent the client sent')

export const providerParams = object({
  provider: z.string().max(40).meta({ parameter: 'Provider', description: 'A provider ID, such as `google`' }),
})
export const redirectUriKey = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,30}$/)
  .describe('Which of the configured redirect URIs of the provider to use, by its key')

/** An opaque value of ours; longer ones were not made here, and are not worth hashing. */
export const secretText = z.string().min(1).max(512).describe('An opaque secret from an earlier response or an email')
export const flowToken = secretText.describe('The `flow_token` from the response that started this flow')
export const emailedTicket = secretText.describe('The `ticket` parameter of the emailed link')

/** A one-time code as it was typed: which characters of it count is decided where it is compared. */
export const typedCode = z.string().max(64).describe('The code as the user typed it; spaces and hyphens are ignored')

/**
 * One line of text to show, of somebody's own choice: a control character would forge a second one somewhere, a
 * bidirectional one turn what stands around it, and half a character is no text: a database keeps another one.
 */
export const line = z
  .string()
  .trim()
  .max(200)
  .regex(/^[^\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]*$/u)
  .describe('One line of text')

/** What people call their team: no more than a heading holds, and something of it to be seen. */
export const teamName = line
  .min(1)
  .max(80)
  .regex(/[\p{L}\p{N}\p{P}\p{S}]/u)
  .describe('The name of the team')

/** What somebody calls a device: short enough for a heading. */
export const deviceNameText = line.max(60)

/** A password that is shown to us: what is no password of ours is nobody's, however long. */
export const passwordGiven = z.string().min(1).max(4096).describe('The current password')
/** One that is chosen: what is wrong with it is told by more than its length, so that is looked at later. */
export const passwordChosen = z
  .string()
  .max(4096)
  .describe('The new password. A short, common or personal one is rejected with `password_rejected`')
/** An address as it is typed, or not at all: whether it is one is asked by `readEmail`, and told at its field. */
export const addressText = z.string().max(320).describe('An email address')

/**
 * What no id of ours looks like is nobody's id: it is looked for as one, and PostgreSQL is spared text it cannot even
 * compare (NUL).
 */
export const anId = z.string().transform((text) => (/^\w{1,80}$/.test(text) ? text : '-'))

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
export const identityParams = object({ id: pathId('IdentityId', 'The ID of a linked identity') })
export const passkeyParams = object({ id: pathId('PasskeyId', 'The ID of a passkey') })
export const credentialParams = object({ id: pathId('CredentialId', 'The ID of a service credential') })
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

/** As the parser writes it, percent-encoded: what was written may hold what PostgreSQL cannot (NUL). */
export const pictureUrl = z
  .url({ protocol: /^https$/, normalize: true })
  .max(2048)
  .describe('The HTTPS URL of a picture')

/**
 * Where a page of accounts ended: `<time>.<id>`, and in a search `.<index>.<key>` behind it. An account that is deleted
 * in the meantime keeps its place.
 */
export const userCursor = z
  .string()
  // The key is a whole name: 256 characters (`readText`) of up to four bytes, and lowering may make two of one.
  .regex(/^[A-Za-z0-9_-]{1,3000}$/)
  .transform((text, context): UserPlace => {
    const parts = /^(\d{1,13})\.(\w{1,80})(?:\.(\d{1,2})\.([^\0]{0,600}))?$/su
    const [, at, id, index, key] = parts.exec(Buffer.from(text, 'base64url').toString()) ?? []
    if (at !== undefined && id !== undefined) {
      const place = { createdAt: new Date(Number(at)), id }
      return index === undefined || key === undefined ? place : { ...place, begins: { index: Number(index), key } }
    }
    context.addIssue({ code: 'invalid_format', format: 'cursor', input: text })
    return z.NEVER
  })
  .describe('The `next_cursor` of the previous page')
export const userCursorOf = ({ createdAt, id, begins }: UserPlace): string =>
  Buffer.from(`${createdAt.getTime()}.${id}${begins ? `.${begins.index}.${begins.key}` : ''}`).toString('base64url')

/** Where a page of a list goes on that is ordered by time and ID. */
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
