import { z } from 'zod'
import type { StandardScope } from '../../applications/policy.ts'
import { fail } from '../../errors/catalogue.ts'
import type { Account } from '../../kernel/account.ts'
import { ok } from '../../kernel/result.ts'
import type { Session } from '../../sessions/ports.ts'
import { oneRequired } from '../problem.ts'
import { json, noContent } from '../reply.ts'
import { object, type Principal, route } from '../route.ts'
import { accountMetadataOf, Metadata, User, userOf } from '../schemas/account.ts'
import { activityKinds, auditFields, cursor, pageOf, toldToPerson } from '../schemas/activity.ts'
import {
  deviceNameText,
  LocaleName,
  line,
  pageSize,
  pictureUrl,
  RoleSchema,
  sessionFields,
  sessionParams,
  time,
  timeZone,
} from '../schemas/fields.ts'
import type { Services } from '../services.ts'
import { signedOutResponse } from '../sign-in-answers.ts'

const common = { tag: 'My account', surface: 'api', auth: 'user', limit: 'account' } as const
const Me = User.extend({
  created_at: time.describe('When the account was created'),
  role: RoleSchema,
  locale: LocaleName.nullable().describe('The language of pages and email; null if it is unknown'),
  time_zone: z.string().nullable().describe('The IANA time zone of pages; null for the zone of the browser'),
  metadata: Metadata.optional().describe('What was recorded about the account; for an application, with its scope'),
}).meta({ id: 'Me', description: 'The account of the caller' })
const toldOf = (account: Account, withMetadata: boolean) =>
  json({
    ...userOf(account),
    ...(withMetadata ? { metadata: accountMetadataOf(account) } : {}),
    created_at: account.createdAt.toISOString(),
    role: account.role,
    locale: account.locale,
    time_zone: account.timeZone,
  })
/**
 * The store returns the same row object until something is written. Describing it again would be a tenth of the work.
 */
const toldFully = new WeakMap<Account, ReturnType<typeof toldOf>>()
const toldWithoutMetadata = new WeakMap<Account, ReturnType<typeof toldOf>>()
const me = (account: Account, withMetadata = true) => {
  const told = withMetadata ? toldFully : toldWithoutMetadata
  const known = told.get(account)
  if (known) return known
  const fresh = toldOf(account, withMetadata)
  told.set(account, fresh)
  return fresh
}

const read = route({
  ...common,
  method: 'get',
  path: '/me',
  applications: ['profile', 'email'],
  summary: 'Get the current account',
  description: 'The account of the caller.',
  reply: () => Me,
  fails: [],
  handle({ who }) {
    const { application, account, accountId, subject, scopes } = who
    const answer = me(account, application === null || scopes.includes('metadata' satisfies StandardScope))
    // A pairwise application must not learn the account ID.
    return ok(subject === accountId ? answer : json({ ...answer.value, id: subject }))
  },
})

export const update = route({
  ...common,
  method: 'patch',
  path: '/me',
  summary: 'Update the current account',
  description: 'Changes the name, picture, language or time zone. Omitted fields stay as they are; send at least one.',
  example: {
    request: { name: 'Pat' },
    response: {
      id: 'usr_00000001',
      email: 'pat@example.com',
      email_verified: true,
      name: 'Pat',
      picture: null,
      created_at: '2026-01-08T10:00:00.000Z',
      role: 'user',
      locale: 'en',
      time_zone: null,
      metadata: { public: { plan: 'team' } },
    },
  },
  body: object({
    name: line.min(1).nullable().optional().describe('The display name; null removes it'),
    picture: pictureUrl.nullable().optional().describe('The HTTPS URL of a picture; null removes it'),
    locale: LocaleName.optional().describe('The language of pages and email'),
    time_zone: timeZone.nullable().optional().describe('An IANA time zone; null for the zone of the browser'),
  }).meta({ minProperties: 1 }),
  reply: () => Me,
  fails: ['user_not_found', 'invalid_request'],
  async handle({ who, body, origin }, { profiles }: Services) {
    const change = {
      ...(body.name === undefined ? {} : { name: body.name }),
      ...(body.picture === undefined ? {} : { picture: body.picture }),
      ...(body.locale === undefined ? {} : { locale: body.locale }),
      ...(body.time_zone === undefined ? {} : { timeZone: body.time_zone }),
    }
    if (Object.keys(change).length === 0) return oneRequired('name', 'picture', 'locale', 'time_zone')
    const account = await profiles.update(who.accountId, change, origin)
    return account ? ok(me(account)) : fail('user_not_found')
  },
})

export const remove = route({
  ...common,
  method: 'delete',
  path: '/me',
  summary: 'Delete the current account',
  description: 'Erases the account and its data. Permissions granted at providers are revoked.',
  auth: 'recent',
  status: 204,
  fails: ['last_administrator'],
  async handle({ who, origin }, { flows }: Services) {
    const done = await flows.deleteAccount(who.accountId, origin)
    return done.ok ? ok(signedOutResponse(who)) : done
  },
})

const methods = route({
  ...common,
  method: 'get',
  path: '/me/methods',
  summary: 'List sign-in methods',
  description: 'Every sign-in method of the account, and whether it works at present.',
  example: {
    response: [
      { type: 'password', usable: true },
      { type: 'provider', provider: 'google', identity_id: 'idn_00000001', usable: true },
    ],
  },
  reply: () =>
    z.array(
      z
        .object({
          type: z.enum(['provider', 'password', 'passkey']).describe('The kind of sign-in method'),
          provider: z.string().optional().describe('The provider ID, if the type is `provider`'),
          identity_id: z.string().optional().describe('The identity ID, if the type is `provider`'),
          passkey_id: z.string().optional().describe('The passkey ID, if the type is `passkey`'),
          name: z.string().optional().describe('The name of the passkey'),
          usable: z.boolean().describe('Whether the method works at present'),
        })
        .meta({ id: 'Method', description: 'A sign-in method of the account' }),
    ),
  fails: [],
  async handle({ who }, { links }: Services) {
    const all = await links.methods(who.accountId)
    return ok(
      json(
        all.map((method) => {
          const { type, usable } = method
          if (type === 'provider') return { type, provider: method.provider, identity_id: method.identityId, usable }
          return type === 'passkey'
            ? { type, passkey_id: method.passkeyId, name: method.name, usable }
            : { type, usable }
        }),
      ),
    )
  },
})

const Device = z
  .object({
    ...sessionFields,
    name: z.string().nullable().describe('The name the user gave the device'),
    current: z.boolean().describe('Whether it is the session of this request'),
  })
  .meta({ id: 'Session', description: 'A session: one signed-in device' })
const device = (session: Session, who: Principal): z.input<typeof Device> => ({
  id: session.id,
  name: session.name,
  created_at: session.createdAt.toISOString(),
  last_seen_at: session.lastSeenAt.toISOString(),
  ip: session.ip,
  user_agent: session.userAgent,
  amr: [...session.amr],
  provider: session.provider,
  current: session.id === who.sessionId,
})

const sessions = route({
  ...common,
  method: 'get',
  path: '/me/sessions',
  summary: 'List sessions',
  description: 'The sessions of the account, one for each signed-in device.',
  reply: () => z.array(Device),
  fails: [],
  async handle({ who }, { devices }: Services) {
    const all = await devices.list(who.accountId)
    return ok(json(all.map((session) => device(session, who))))
  },
})

export const nameSession = route({
  ...common,
  method: 'patch',
  path: '/me/sessions/:id',
  summary: 'Rename a session',
  description: 'Names a signed-in device, or removes its name with `null`.',
  params: sessionParams,
  body: object({ name: deviceNameText.min(1).nullable().describe('A name for the device; null removes it') }),
  reply: () => Device,
  fails: ['session_not_found'],
  async handle({ who, params, body, origin }, { devices }: Services) {
    const renamed = await devices.rename({ id: params.id, accountId: who.accountId }, body.name, origin)
    return renamed.ok ? ok(json(device(renamed.value, who))) : renamed
  },
})

export const endSession = route({
  ...common,
  method: 'delete',
  path: '/me/sessions/:id',
  summary: 'End a session',
  description: 'Signs out one device. Its tokens stop working at once.',
  params: sessionParams,
  status: 204,
  fails: ['session_not_found'],
  async handle({ who, params, origin }, { devices }: Services) {
    const done = await devices.end({ id: params.id, accountId: who.accountId }, 'revoked', origin)
    return done.ok ? ok(noContent()) : done
  },
})

export const endOtherSessions = route({
  ...common,
  method: 'delete',
  path: '/me/sessions',
  summary: 'End all other sessions',
  description: 'Signs out every device except the current one.',
  status: 204,
  fails: [],
  async handle({ who, origin }, { flows }: Services) {
    await flows.signOut.others(who, origin)
    return ok(noContent())
  },
})

const activity = route({
  ...common,
  method: 'get',
  path: '/me/activity',
  summary: 'List account activity',
  description: 'What happened to the account, newest first.',
  query: object({
    cursor: cursor.optional(),
    limit: pageSize(25),
    kind: z.enum(activityKinds).optional().meta({
      description:
        'Only some entries: `loans` are tokens given to back ends (`provider_token.lent`), `others` are all the rest',
    }),
  }),
  reply: () =>
    pageOf(
      z.object(auditFields).meta({ id: 'ActivityEntry', description: 'Something that happened to the account' }),
    ).meta({ id: 'Activity', description: 'A page of account activity' }),
  fails: [],
  async handle({ who, query }, { audit }: Services) {
    // One more than requested shows whether there is a next page.
    const rows = await audit.list(who.accountId, { before: query.cursor ?? null, limit: query.limit + 1 }, query.kind)
    const items = rows.slice(0, query.limit)
    return ok(
      json({
        items: items.map(({ id, at, event, ip, userAgent, data }) => ({
          id,
          at: at.toISOString(),
          event,
          ip,
          user_agent: userAgent,
          data: toldToPerson(data),
        })),
        next_cursor: rows.length > query.limit ? (items.at(-1)?.id ?? null) : null,
      }),
    )
  },
})

export const meRoutes = [read, update, remove, methods, sessions, nameSession, endSession, endOtherSessions, activity]
