import { z } from 'zod'
import type { UserPlace } from '../accounts/ports.ts'
import type { ActivityKind } from '../audit/ports.ts'
import type { Begun } from '../flows/begin-with-provider.ts'
import type { JiraView } from '../flows/keep-jira.ts'
import type { Account } from '../kernel/account.ts'
import type { TokenPair as Pair } from '../sessions/tokens.ts'
import { jiraErrors, jiraStatuses } from '../teams/policy.ts'
import type { JiraSite as Site } from '../teams/ports.ts'
import { object } from './route.ts'

/** The pieces of JSON that more than one route speaks. */

export const time = z.iso.datetime().meta({ description: 'RFC 3339, UTC' })

export const User = z
  .object({
    id: z.string(),
    email: z.string().nullable(),
    email_verified: z.boolean(),
    name: z.string().nullable(),
    picture: z.string().nullable(),
  })
  .meta({ id: 'User' })

export const userOf = ({ id, email, emailVerified, name, picture }: Account): z.input<typeof User> => ({
  id,
  email,
  email_verified: emailVerified,
  name,
  picture,
})

const pair = {
  access_token: z.string(),
  refresh_token: z.string(),
  token_type: z.literal('bearer'),
  expires_in: z.number().int().meta({ description: 'seconds' }),
  refresh_expires_in: z.number().int().meta({ description: 'seconds' }),
}
export const TokenPair = z.object(pair).meta({ id: 'TokenPair' })

const ProviderInfo = z.object({ provider: z.string(), provider_user_id: z.string() }).meta({ id: 'ProviderInfo' })
const Action = z.enum(['login_existing', 'linked_existing', 'linked_new', 'created_new_user'])

export const AuthResponse = z
  .object({ user: User, ...pair, provider_info: ProviderInfo, action: Action })
  .meta({ id: 'AuthResponse' })

/** A linking starts no session, so it brings no tokens. */
export const LinkResponse = z
  .object({ user: User, provider_info: ProviderInfo, action: Action })
  .meta({ id: 'LinkResponse' })

export type Entrance = { account: Account; action: z.input<typeof Action>; provider: string; subject: string }
export const linkResponse = ({ account, action, provider, subject }: Entrance): z.input<typeof LinkResponse> => ({
  user: userOf(account),
  provider_info: { provider, provider_user_id: subject },
  action,
})
export const authResponse = (entrance: Entrance, tokens: Pair): z.input<typeof AuthResponse> => ({
  ...linkResponse(entrance),
  ...tokens,
})

/** A flow begun for an app: where to send the person, and what to come back with. */
export const StartedFlow = z
  .object({ authorize_url: z.string(), state: z.string(), flow_token: z.string(), expires_in: z.number().int() })
  .meta({ id: 'StartedFlow' })
export const startedFlow = ({ url, state, binding, expiresIn }: Begun): z.input<typeof StartedFlow> => ({
  authorize_url: url.href,
  state,
  flow_token: binding,
  expires_in: expiresIn,
})

/** A sign-in by mail begun for an app: what to bring the code back with. */
export const StartedByMail = z
  .object({ flow_token: z.string(), expires_in: z.number().int().meta({ description: 'seconds' }) })
  .meta({ id: 'StartedByMail' })
export const startedByMail = (sent: { binding: string; expiresIn: number }): z.input<typeof StartedByMail> => ({
  flow_token: sent.binding,
  expires_in: sent.expiresIn,
})

export const JiraSite = z
  .object({
    cloud_id: z.string(),
    name: z.string(),
    url: z.string(),
    scopes: z.array(z.string()),
    chosen: z.boolean(),
    gone_at: time.nullable().meta({ description: 'since when the connection no longer reaches it' }),
  })
  .meta({ id: 'JiraSite' })
export const jiraSite = ({ cloudId, name, url, scopes, chosen, goneAt }: Site): z.input<typeof JiraSite> => ({
  cloud_id: cloudId,
  name,
  url,
  scopes: [...scopes],
  chosen,
  gone_at: goneAt?.toISOString() ?? null,
})

/** A team's connection with Jira, without a token of it. */
export const JiraConnection = z
  .object({
    team_id: z.string(),
    status: z.enum(jiraStatuses),
    sites: z.array(JiraSite),
    scopes: z.array(z.string()),
    missing_scopes: z.array(z.string()),
    connected_by: z.string().nullable().meta({ description: 'who consented, here; null once they left' }),
    connected_at: time.nullable(),
    expires_at: time.nullable().meta({ description: 'of the present access token, which is renewed before' }),
    last_sync_at: time.nullable().meta({ description: 'when the list of sites was last read' }),
    sync_status: z.enum(['ok', 'failed']).nullable(),
    last_error: z.enum(jiraErrors).nullable(),
  })
  .meta({ id: 'JiraConnection' })
export const jiraConnection = (view: JiraView): z.input<typeof JiraConnection> => ({
  team_id: view.teamId,
  status: view.status,
  sites: view.sites.map(jiraSite),
  scopes: [...view.scopes],
  missing_scopes: [...view.missingScopes],
  connected_by: view.connectedBy,
  connected_at: view.connectedAt?.toISOString() ?? null,
  expires_at: view.expiresAt?.toISOString() ?? null,
  last_sync_at: view.lastSyncAt?.toISOString() ?? null,
  sync_status: view.syncStatus,
  last_error: view.lastError,
})

export const providerParams = object({ provider: z.string().max(40) })
export const redirectUriKey = z.string().regex(/^[a-z][a-z0-9_-]{0,30}$/)

/** An opaque value of ours; longer ones were not made here, and are not worth hashing. */
export const secretText = z.string().min(1).max(512)

/** A one-time code as it was typed: which characters of it count is decided where it is compared. */
export const typedCode = z.string().max(64)

/**
 * One line of text to show, of somebody's own choice: a control character would forge a second one somewhere, a
 * bidirectional one turn what stands around it, and half a character is no text: a database keeps another one.
 */
export const line = z
  .string()
  .trim()
  .max(200)
  .regex(/^[^\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]*$/u)

/** What people call their team: no more than a heading holds, and something of it to be seen. */
export const teamName = line
  .min(1)
  .max(80)
  .regex(/[\p{L}\p{N}\p{P}\p{S}]/u)

/** What somebody calls a device: short enough for a heading. */
export const deviceName = line.max(60)

/** A password that is shown to us: what is no password of ours is nobody's, however long. */
export const passwordGiven = z.string().min(1).max(4096)
/** One that is chosen: what is wrong with it is told by more than its length, so that is looked at later. */
export const passwordChosen = z.string().max(4096)
/** An address as it is typed, or not at all: whether it is one is asked by `readEmail`, and told at its field. */
export const addressText = z.string().max(320)

/**
 * What no id of ours looks like is nobody's id: it is looked for as one, and PostgreSQL is spared text it cannot even
 * compare (NUL).
 */
export const anId = z.string().transform((text) => (/^\w{1,80}$/.test(text) ? text : '-'))
export const idParams = object({ id: anId })
export const memberParams = object({ id: anId, user_id: anId })
export const invitationParams = object({ id: anId, invitation_id: anId })

/** One scope (RFC 6749 appendix A.4). */
export const scopeToken = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/)

/** As the parser writes it, percent-encoded: what was written may hold what PostgreSQL cannot (NUL). */
export const pictureUrl = z.url({ protocol: /^https$/, normalize: true }).max(2048)

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
type Place = { readonly createdAt: Date; readonly id: string }
export const placeCursorOf = ({ createdAt, id }: Place): string =>
  Buffer.from(`${createdAt.getTime()}.${id}`).toString('base64url')

export const activityKinds = ['loans', 'others'] as const satisfies readonly ActivityKind[]

/** Where a page of the trail went on: the id of its last line, as we make them. */
export const cursor = z.string().regex(/^aud_[0-9a-f]{1,80}$/)

/**
 * What happened, as it is told to whoever it happened to: that an administrator did it, or an operator at the machine,
 * and not which of them.
 */
export const toldToPerson = ({ by, ...data }: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  by === undefined ? data : { ...data, by: by === null ? 'operator' : 'administrator' }
