import { z } from 'zod'
import { fail } from '../../errors/catalogue.ts'
import { type Account, roles } from '../../kernel/account.ts'
import { locales } from '../../kernel/locale.ts'
import { ok } from '../../kernel/result.ts'
import type { Session } from '../../sessions/ports.ts'
import { sessionOver } from '../entry.ts'
import { oneRequired } from '../problem.ts'
import { json, noContent } from '../reply.ts'
import { object, type Principal, route } from '../route.ts'
import { User, userOf } from '../schemas/account.ts'
import { activityKinds, cursor, toldToPerson } from '../schemas/activity.ts'
import { deviceName, idParams, line, pictureUrl, time } from '../schemas/fields.ts'
import type { Services } from '../services.ts'

const common = { tag: 'My account', surface: 'api', auth: 'user', limit: 'account' } as const
const Me = User.extend({ created_at: time, role: z.enum(roles), locale: z.enum(locales).nullable() }).meta({ id: 'Me' })
const toldOf = (account: Account) =>
  json({ ...userOf(account), created_at: account.createdAt.toISOString(), role: account.role, locale: account.locale })
/** The store gives out the same row until something is written, and telling of it anew is a tenth of the work. */
const told = new WeakMap<Account, ReturnType<typeof toldOf>>()
const me = (account: Account) => {
  const known = told.get(account)
  if (known) return known
  const fresh = toldOf(account)
  told.set(account, fresh)
  return fresh
}

const read = route({
  ...common,
  method: 'get',
  path: '/me',
  summary: 'Get the current account',
  description: 'The account of the caller.',
  reply: Me,
  fails: [],
  handle: ({ who }) => ok(me(who.account)),
})

const update = route({
  ...common,
  method: 'patch',
  path: '/me',
  summary: 'Update the current account',
  description: 'Changes the name or the picture. Omitted fields stay as they are; send at least one.',
  body: object({
    name: line.min(1).nullable().optional(),
    picture: pictureUrl.nullable().optional(),
  }).meta({ minProperties: 1 }),
  reply: Me,
  fails: ['user_not_found', 'invalid_request'],
  async handle({ who, body, origin }, { profiles }: Services) {
    const change = {
      ...(body.name === undefined ? {} : { name: body.name }),
      ...(body.picture === undefined ? {} : { picture: body.picture }),
    }
    if (Object.keys(change).length === 0) return oneRequired('name', 'picture')
    const account = await profiles.update(who.accountId, change, origin)
    return account ? ok(me(account)) : fail('user_not_found')
  },
})

const remove = route({
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
    return done.ok ? ok(sessionOver(who)) : done
  },
})

const methods = route({
  ...common,
  method: 'get',
  path: '/me/methods',
  summary: 'List sign-in methods',
  description: 'Every sign-in method of the account, and whether it works at present.',
  reply: z.array(
    z
      .object({
        type: z.enum(['provider', 'password', 'passkey']),
        provider: z.string().optional(),
        identity_id: z.string().optional(),
        passkey_id: z.string().optional(),
        name: z.string().optional(),
        usable: z.boolean(),
      })
      .meta({ id: 'Method' }),
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
    id: z.string(),
    name: z.string().nullable(),
    created_at: time,
    last_seen_at: time,
    ip: z.string().nullable(),
    user_agent: z.string().nullable(),
    amr: z.array(z.string()),
    provider: z.string().nullable(),
    current: z.boolean(),
  })
  .meta({ id: 'Session' })
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
  reply: z.array(Device),
  fails: [],
  async handle({ who }, { devices }: Services) {
    const all = await devices.list(who.accountId)
    return ok(json(all.map((session) => device(session, who))))
  },
})

const nameSession = route({
  ...common,
  method: 'patch',
  path: '/me/sessions/:id',
  summary: 'Rename a session',
  description: 'Names a signed-in device, or removes its name with `null`.',
  params: idParams,
  body: object({ name: deviceName.min(1).nullable() }),
  reply: Device,
  fails: ['session_not_found'],
  async handle({ who, params, body, origin }, { devices }: Services) {
    const renamed = await devices.rename({ id: params.id, accountId: who.accountId }, body.name, origin)
    return renamed.ok ? ok(json(device(renamed.value, who))) : renamed
  },
})

const endSession = route({
  ...common,
  method: 'delete',
  path: '/me/sessions/:id',
  summary: 'End a session',
  description: 'Signs out one device. Its tokens stop working at once.',
  params: idParams,
  status: 204,
  fails: ['session_not_found'],
  async handle({ who, params, origin }, { devices }: Services) {
    const done = await devices.end({ id: params.id, accountId: who.accountId }, 'revoked', origin)
    return done.ok ? ok(noContent()) : done
  },
})

const endOtherSessions = route({
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
    limit: z.coerce.number().int().min(1).max(100).default(25),
    kind: z.enum(activityKinds).optional().meta({
      description:
        'only a part of it: loans, which is what back ends were lent (provider_token.lent), or others, which is all the rest',
    }),
  }),
  reply: z
    .object({
      items: z.array(
        z.object({
          id: z.string(),
          at: time,
          event: z.string(),
          ip: z.string().nullable(),
          user_agent: z.string().nullable(),
          data: z.record(z.string(), z.unknown()),
        }),
      ),
      next_cursor: z.string().nullable(),
    })
    .meta({ id: 'Activity' }),
  fails: [],
  async handle({ who, query }, { audit }: Services) {
    // One more than asked for tells whether there is a next page.
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
