import { z } from 'zod'
import { fail } from '../../errors/catalogue.ts'
import { type Account, roles } from '../../kernel/account.ts'
import { locales } from '../../kernel/locale.ts'
import { ok } from '../../kernel/result.ts'
import { oneRequired } from '../problem.ts'
import { json, noContent } from '../reply.ts'
import { requestIdPattern } from '../request-id.ts'
import { object, route } from '../route.ts'
import { User, userOf } from '../schemas/account.ts'
import { cursor } from '../schemas/activity.ts'
import { idParams, line, pictureUrl, time, userCursor, userCursorOf } from '../schemas/fields.ts'
import type { Services } from '../services.ts'

const common = { tag: 'Administration', surface: 'api', limit: 'account' } as const
const reading = { ...common, auth: 'user', scope: 'users:read' } as const
/** Whatever is done to somebody else's account needs a recent sign-in as well (ASVS 8.4.2). */
const writing = { ...common, auth: 'recent', scope: 'users:write' } as const

const Person = User.extend({
  role: z.enum(roles),
  locale: z.enum(locales).nullable(),
  second_factor: z.boolean(),
  created_at: time,
  updated_at: time,
  disabled_at: time.nullable(),
}).meta({ id: 'ManagedUser' })
const personOf = (account: Account): z.input<typeof Person> => ({
  ...userOf(account),
  role: account.role,
  locale: account.locale,
  second_factor: account.secondFactorAt !== null,
  created_at: account.createdAt.toISOString(),
  updated_at: account.updatedAt.toISOString(),
  disabled_at: account.disabledAt?.toISOString() ?? null,
})

const list = route({
  ...reading,
  method: 'get',
  path: '/users',
  summary: 'List accounts',
  description: 'All accounts, newest first; filter by text, role or state.',
  query: object({
    search: line.optional().meta({
      description:
        'Part of an email address, a name or an ID. Accounts whose email address, name or ID begins with it come first. A page can be short, or empty, and still have a next_cursor.',
    }),
    role: z.enum(roles).optional(),
    disabled: z.enum(['true', 'false']).optional(),
    cursor: userCursor.optional(),
    limit: z.coerce.number().int().min(1).max(100).default(25),
  }),
  reply: z.object({ items: z.array(Person), next_cursor: z.string().nullable() }).meta({ id: 'Users' }),
  fails: [],
  async handle({ query }, { users }: Services) {
    const { accounts, next } = await users.list({
      text: query.search || null,
      role: query.role ?? null,
      disabled: query.disabled === undefined ? null : query.disabled === 'true',
      after: query.cursor ?? null,
      limit: query.limit,
    })
    return ok(json({ items: accounts.map(personOf), next_cursor: next && userCursorOf(next) }))
  },
})

const read = route({
  ...reading,
  method: 'get',
  path: '/users/:id',
  summary: 'Get an account',
  description: 'One account, with the number of its identities, sessions and passkeys.',
  params: idParams,
  reply: Person.extend({
    identities: z.number().int(),
    sessions: z.number().int(),
    passkeys: z.number().int(),
    has_password: z.boolean(),
  }).meta({ id: 'ManagedUserDetails' }),
  fails: ['account_not_found'],
  async handle({ params }, { users }: Services) {
    const found = await users.get(params.id)
    if (!found) return fail('account_not_found')
    const { account, identities, sessions, passkeys, password } = found
    return ok(json({ ...personOf(account), identities, sessions, passkeys, has_password: password }))
  },
})

const update = route({
  ...writing,
  method: 'put',
  path: '/users/:id',
  summary: 'Update an account',
  description: 'Changes the name, picture or role of an account. Omitted fields stay as they are; send at least one.',
  params: idParams,
  body: object({
    name: line.min(1).nullable().optional(),
    picture: pictureUrl.nullable().optional(),
    role: z.enum(roles).optional(),
  }).meta({ minProperties: 1 }),
  reply: Person,
  fails: [
    'account_not_found',
    'last_administrator',
    'own_role',
    'address_needed',
    'mail_not_configured',
    'invalid_request',
  ],
  async handle({ who, params, body, origin }, { users }: Services) {
    const change = {
      ...(body.name === undefined ? {} : { name: body.name }),
      ...(body.picture === undefined ? {} : { picture: body.picture }),
      ...(body.role === undefined ? {} : { role: body.role }),
    }
    if (Object.keys(change).length === 0) return oneRequired('name', 'picture', 'role')
    const done = await users.update(who.accountId, params.id, change, origin)
    return done.ok ? ok(json(personOf(done.value))) : done
  },
})

const remove = route({
  ...writing,
  method: 'delete',
  path: '/users/:id',
  summary: 'Delete an account',
  description: 'Erases an account and its data. Permissions granted at providers are revoked.',
  params: idParams,
  status: 204,
  fails: ['account_not_found', 'last_administrator'],
  async handle({ who, params, origin }, { flows }: Services) {
    const done = await flows.deleteAccount(params.id, origin, who.accountId)
    if (!done.ok) return done
    return done.value ? ok(noContent()) : fail('account_not_found')
  },
})

const disable = route({
  ...writing,
  method: 'post',
  path: '/users/:id/disable',
  summary: 'Disable an account',
  description: 'Ends all sessions of an account at once. Nobody can sign in to it until it is enabled again.',
  params: idParams,
  body: object({}),
  bodyOptional: true,
  reply: Person,
  fails: ['account_not_found', 'last_administrator'],
  async handle({ who, params, origin }, { users }: Services) {
    const done = await users.disable(who.accountId, params.id, origin)
    return done.ok ? ok(json(personOf(done.value))) : done
  },
})

const enable = route({
  ...writing,
  method: 'post',
  path: '/users/:id/enable',
  summary: 'Enable an account',
  description: 'Allows sign-ins to a disabled account again.',
  params: idParams,
  body: object({}),
  bodyOptional: true,
  reply: Person,
  fails: ['account_not_found'],
  async handle({ who, params, origin }, { users }: Services) {
    const done = await users.enable(who.accountId, params.id, origin)
    return done.ok ? ok(json(personOf(done.value))) : done
  },
})

const sessions = route({
  ...reading,
  method: 'get',
  path: '/users/:id/sessions',
  summary: 'List sessions of an account',
  description: 'The sessions of an account, one for each signed-in device. Reading them is recorded in the audit log.',
  params: idParams,
  reply: z.array(
    z
      .object({
        id: z.string(),
        created_at: time,
        last_seen_at: time,
        ip: z.string().nullable(),
        user_agent: z.string().nullable(),
        amr: z.array(z.string()),
        provider: z.string().nullable(),
        scope: z.string(),
      })
      .meta({ id: 'ManagedSession' }),
  ),
  fails: ['account_not_found'],
  async handle({ who: { accountId }, params, origin }, { users, flows }: Services) {
    if (!(await users.get(params.id))) return fail('account_not_found')
    const all = await flows.readAsAdministrator.sessions({ accountId, origin }, params.id)
    return ok(
      json(
        all.map((session) => ({
          id: session.id,
          created_at: session.createdAt.toISOString(),
          last_seen_at: session.lastSeenAt.toISOString(),
          ip: session.ip,
          user_agent: session.userAgent,
          amr: [...session.amr],
          provider: session.provider,
          scope: session.scope,
        })),
      ),
    )
  },
})

const endSessions = route({
  ...writing,
  method: 'delete',
  path: '/users/:id/sessions',
  summary: 'End all sessions of an account',
  description: 'Signs out an account on every device.',
  params: idParams,
  status: 204,
  fails: ['account_not_found'],
  async handle({ who, params, origin }, { users, devices }: Services) {
    if (!(await users.get(params.id))) return fail('account_not_found')
    await devices.endAll(params.id, null, 'by_administrator', origin, { by: who.accountId })
    return ok(noContent())
  },
})

const resetPassword = route({
  ...writing,
  method: 'post',
  path: '/users/:id/password-reset',
  summary: 'Send a password reset to an account',
  description: 'Emails the account a link to set a new password. Administrators never set passwords themselves.',
  params: idParams,
  body: object({}),
  bodyOptional: true,
  reply: z.object({ status: z.literal('sent') }),
  status: 202,
  fails: ['account_not_found', 'address_needed', 'mail_not_configured'],
  async handle({ who, params, origin }, { flows }: Services) {
    const done = await flows.sendReset(who.accountId, params.id, origin)
    return done.ok ? ok(json({ status: 'sent' as const })) : done
  },
})

const removeSecondFactor = route({
  ...writing,
  method: 'delete',
  path: '/users/:id/second-factor',
  summary: 'Remove the second factor of an account',
  description: 'Removes the second factor of a user who lost it. Passkeys stay, and all sessions of the account end.',
  params: idParams,
  status: 204,
  fails: ['account_not_found', 'own_second_factor', 'second_factor_missing'],
  async handle({ who, params, origin }, { users }: Services) {
    const done = await users.removeSecondFactor(who.accountId, params.id, origin)
    return done.ok ? ok(noContent()) : done
  },
})

const audit = route({
  ...common,
  auth: 'user',
  scope: 'audit:read',
  method: 'get',
  path: '/audit',
  summary: 'Read the audit log',
  description: 'The audit log of all accounts, newest first. Reading it is recorded too.',
  query: object({
    account: z
      .string()
      .regex(/^\w{1,80}$/)
      .optional(),
    event: z
      .string()
      .regex(/^[a-z_.]{1,60}$/)
      .optional(),
    request_id: z
      .string()
      .regex(requestIdPattern)
      .optional()
      .meta({ description: 'the ID that an error page, a problem document or `X-Request-Id` shows' }),
    cursor: cursor.optional(),
    limit: z.coerce.number().int().min(1).max(100).default(25),
  }),
  reply: z
    .object({
      items: z.array(
        z.object({
          id: z.string(),
          at: time,
          event: z.string(),
          account: z.string().nullable(),
          ip: z.string().nullable(),
          user_agent: z.string().nullable(),
          request_id: z.string().nullable(),
          data: z.record(z.string(), z.unknown()),
        }),
      ),
      next_cursor: z.string().nullable(),
    })
    .meta({ id: 'Audit' }),
  fails: [],
  async handle({ who: { accountId: by }, query, origin }, { flows }: Services) {
    const rows = await flows.readAsAdministrator.auditLog(
      { accountId: by, origin },
      { account: query.account ?? null, event: query.event ?? null, requestId: query.request_id ?? null },
      { before: query.cursor ?? null, limit: query.limit + 1 },
    )
    const items = rows.slice(0, query.limit)
    return ok(
      json({
        items: items.map(({ id, at, event, accountId, ip, userAgent, requestId, data }) => ({
          id,
          at: at.toISOString(),
          event,
          account: accountId,
          ip,
          user_agent: userAgent,
          request_id: requestId,
          data: { ...data },
        })),
        next_cursor: rows.length > query.limit ? (items.at(-1)?.id ?? null) : null,
      }),
    )
  },
})

export const userRoutes = [
  list,
  read,
  update,
  remove,
  disable,
  enable,
  sessions,
  endSessions,
  resetPassword,
  removeSecondFactor,
  audit,
]
