import { z } from 'zod'
import { fail } from '../../errors/catalogue.ts'
import { ok } from '../../kernel/result.ts'
import { oneRequired } from '../problem.ts'
import { json, noContent } from '../reply.ts'
import { object, route } from '../route.ts'
import { pageOf } from '../schemas/activity.ts'
import {
  accountParams,
  accountSessionParams,
  line,
  pageSize,
  pictureUrl,
  providerId,
  RoleSchema,
  sessionFields,
  time,
  userCursor,
  userCursorOf,
} from '../schemas/fields.ts'
import { ManagedUser, managedUserOf } from '../schemas/managed-user.ts'
import type { Services } from '../services.ts'

const common = { tag: 'Administration', surface: 'api', limit: 'account' } as const
const reading = { ...common, auth: 'user', scope: 'users:read' } as const
/** Every change to another account also requires a recent sign-in (ASVS 8.4.2). */
export const writing = { ...common, auth: 'recent', scope: 'users:write' } as const

const yesOrNo = z.enum(['true', 'false'])
const isYes = (text: 'true' | 'false' | undefined): boolean | null => (text === undefined ? null : text === 'true')

const list = route({
  ...reading,
  method: 'get',
  path: '/users',
  summary: 'List accounts',
  description:
    'All accounts, newest first; with `last_sign_in_from` or `last_sign_in_before`, those with the latest sign-in first. ' +
    'With filters, a page can be short, or empty, and still have a next_cursor.',
  query: object({
    search: line.optional().meta({
      description:
        'Part of an email address, a name or an ID. Accounts whose email address, name or ID begins with it come first. A page can be short, or empty, and still have a next_cursor.',
    }),
    role: RoleSchema.optional().describe('Only accounts with this role'),
    disabled: yesOrNo.optional().describe('Only disabled accounts, or only enabled ones'),
    verified: yesOrNo.optional().describe('Only accounts with a verified email address, or only those without'),
    second_factor: yesOrNo.optional().describe('Only accounts with a second factor, or only those without'),
    invited: yesOrNo.optional().describe('Only accounts whose person was invited and has not accepted, or only others'),
    provider: providerId.optional().describe('Only accounts with an identity at this provider'),
    last_sign_in_from: time.optional().describe('Only accounts that signed in at this time or later, to the hour'),
    last_sign_in_before: time.optional().meta({
      description:
        'Only accounts that did not sign in at this time or later, to the hour. Includes those that never did.',
    }),
    cursor: userCursor.optional(),
    limit: pageSize(25),
  }),
  reply: () => pageOf(ManagedUser).meta({ id: 'Users', description: 'A page of accounts' }),
  fails: [],
  async handle({ query }, { users }: Services) {
    const { last_sign_in_from: from, last_sign_in_before: before } = query
    const { accounts, next } = await users.list({
      text: query.search || null,
      role: query.role ?? null,
      disabled: isYes(query.disabled),
      verified: isYes(query.verified),
      secondFactor: isYes(query.second_factor),
      invited: isYes(query.invited),
      provider: query.provider ?? null,
      lastSignIn:
        from === undefined && before === undefined
          ? null
          : {
              from: from === undefined ? null : new Date(from),
              before: before === undefined ? null : new Date(before),
            },
      after: query.cursor ?? null,
      limit: query.limit,
    })
    return ok(json({ items: accounts.map(managedUserOf), next_cursor: next && userCursorOf(next) }))
  },
})

const read = route({
  ...reading,
  method: 'get',
  path: '/users/:id',
  summary: 'Get an account',
  description: 'One account, with the number of its identities, sessions and passkeys.',
  example: {
    response: {
      id: 'usr_00000001',
      email: 'pat@example.com',
      email_verified: true,
      name: 'Pat',
      picture: null,
      role: 'user',
      locale: 'en',
      second_factor: false,
      created_at: '2026-01-08T10:00:00.000Z',
      updated_at: '2026-01-08T10:00:00.000Z',
      last_sign_in_at: '2026-01-08T10:00:00.000Z',
      disabled_at: null,
      invited_at: null,
      invitation_expires_at: null,
      metadata: { public: { plan: 'team' } },
      identities: 1,
      sessions: 2,
      passkeys: 0,
      has_password: true,
    },
  },
  params: accountParams,
  reply: () =>
    ManagedUser.extend({
      identities: z.number().int().describe('How many provider identities are linked'),
      sessions: z.number().int().describe('How many sessions there are'),
      passkeys: z.number().int().describe('How many passkeys there are'),
      has_password: z.boolean().describe('Whether the account has a password'),
    }).meta({ id: 'ManagedUserDetails', description: 'An account and what belongs to it' }),
  fails: ['account_not_found'],
  async handle({ params }, { users }: Services) {
    const found = await users.get(params.id)
    if (!found) return fail('account_not_found')
    const { account, identities, sessions, passkeys, password } = found
    return ok(json({ ...managedUserOf(account), identities, sessions, passkeys, has_password: password }))
  },
})

export const update = route({
  ...writing,
  method: 'put',
  path: '/users/:id',
  summary: 'Update an account',
  description: 'Changes the name, picture or role of an account. Omitted fields stay as they are; send at least one.',
  example: {
    request: { role: 'auditor' },
    response: {
      id: 'usr_00000001',
      email: 'pat@example.com',
      email_verified: true,
      name: 'Pat',
      picture: null,
      role: 'auditor',
      locale: 'en',
      second_factor: false,
      created_at: '2026-01-08T10:00:00.000Z',
      updated_at: '2026-01-08T10:00:00.000Z',
      last_sign_in_at: '2026-01-08T10:00:00.000Z',
      disabled_at: null,
      invited_at: null,
      invitation_expires_at: null,
      metadata: { public: { plan: 'team' } },
    },
  },
  params: accountParams,
  body: object({
    name: line.min(1).nullable().optional().describe('The display name; null removes it'),
    picture: pictureUrl.nullable().optional().describe('The HTTPS URL of a picture; null removes it'),
    role: RoleSchema.optional().describe('The role; administrators cannot change their own'),
  }).meta({ minProperties: 1 }),
  reply: () => ManagedUser,
  fails: ['account_not_found', 'last_administrator', 'own_role', 'address_needed', 'invalid_request'],
  async handle({ who, params, body, origin }, { users }: Services) {
    const change = {
      ...(body.name === undefined ? {} : { name: body.name }),
      ...(body.picture === undefined ? {} : { picture: body.picture }),
      ...(body.role === undefined ? {} : { role: body.role }),
    }
    if (Object.keys(change).length === 0) return oneRequired('name', 'picture', 'role')
    const done = await users.update(who.accountId, params.id, change, origin)
    return done.ok ? ok(json(managedUserOf(done.value))) : done
  },
})

export const remove = route({
  ...writing,
  method: 'delete',
  path: '/users/:id',
  summary: 'Delete an account',
  description: 'Erases an account and its data. Permissions granted at providers are revoked.',
  params: accountParams,
  status: 204,
  fails: ['account_not_found', 'last_administrator'],
  async handle({ who, params, origin }, { flows }: Services) {
    const done = await flows.deleteAccount(params.id, origin, who.accountId)
    if (!done.ok) return done
    return done.value ? ok(noContent()) : fail('account_not_found')
  },
})

export const disable = route({
  ...writing,
  method: 'post',
  path: '/users/:id/disable',
  summary: 'Disable an account',
  description: 'Ends all sessions of an account at once. Nobody can sign in to it until it is enabled again.',
  params: accountParams,
  body: object({}),
  bodyOptional: true,
  reply: () => ManagedUser,
  fails: ['account_not_found', 'last_administrator'],
  async handle({ who, params, origin }, { users }: Services) {
    const done = await users.disable(who.accountId, params.id, origin)
    return done.ok ? ok(json(managedUserOf(done.value))) : done
  },
})

export const enable = route({
  ...writing,
  method: 'post',
  path: '/users/:id/enable',
  summary: 'Enable an account',
  description: 'Allows sign-ins to a disabled account again.',
  params: accountParams,
  body: object({}),
  bodyOptional: true,
  reply: () => ManagedUser,
  fails: ['account_not_found'],
  async handle({ who, params, origin }, { users }: Services) {
    const done = await users.enable(who.accountId, params.id, origin)
    return done.ok ? ok(json(managedUserOf(done.value))) : done
  },
})

const sessions = route({
  ...reading,
  method: 'get',
  path: '/users/:id/sessions',
  summary: 'List sessions of an account',
  description: 'The sessions of an account, one for each signed-in device. Reading them is recorded in the audit log.',
  example: {
    response: [
      {
        id: 'ses_00000001',
        created_at: '2026-01-08T10:00:00.000Z',
        last_seen_at: '2026-01-08T10:00:00.000Z',
        ip: '203.0.113.7',
        user_agent: null,
        amr: ['pwd'],
        provider: null,
        scope: '',
      },
    ],
  },
  params: accountParams,
  reply: () =>
    z.array(
      z
        .object({
          ...sessionFields,
          scope: z.string().describe('The scopes of the session, separated by spaces'),
        })
        .meta({ id: 'ManagedSession', description: 'A session of an account, as administrators see it' }),
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

export const endSessions = route({
  ...writing,
  method: 'delete',
  path: '/users/:id/sessions',
  summary: 'End all sessions of an account',
  description: 'Signs out an account on every device.',
  params: accountParams,
  status: 204,
  fails: ['account_not_found'],
  async handle({ who, params, origin }, { users, devices }: Services) {
    if (!(await users.get(params.id))) return fail('account_not_found')
    await devices.endAll(params.id, null, 'by_administrator', origin, { by: who.accountId })
    return ok(noContent())
  },
})

export const endSession = route({
  ...writing,
  method: 'delete',
  path: '/users/:id/sessions/:session_id',
  summary: 'End a session of an account',
  description: 'Signs out an account on one device.',
  params: accountSessionParams,
  status: 204,
  fails: ['session_not_found'],
  async handle({ who, params, origin }, { devices }: Services) {
    const session = { id: params.session_id, accountId: params.id }
    const done = await devices.end(session, 'by_administrator', origin, who.accountId)
    return done.ok ? ok(noContent()) : done
  },
})

export const resetPassword = route({
  ...writing,
  method: 'post',
  path: '/users/:id/password-reset',
  summary: 'Send a password reset to an account',
  description: 'Emails the account a link to set a new password. Administrators never set passwords themselves.',
  example: { response: { status: 'sent' } },
  params: accountParams,
  body: object({}),
  bodyOptional: true,
  reply: () =>
    z
      .object({ status: z.literal('sent').describe('Always `sent`') })
      .meta({ id: 'PasswordResetSent', description: 'The email will be sent' }),
  status: 202,
  fails: ['account_not_found', 'address_needed', 'mail_not_configured'],
  async handle({ who, params, origin }, { flows }: Services) {
    const done = await flows.sendReset(who.accountId, params.id, origin)
    return done.ok ? ok(json({ status: 'sent' as const })) : done
  },
})

export const removeSecondFactor = route({
  ...writing,
  method: 'delete',
  path: '/users/:id/second-factor',
  summary: 'Remove the second factor of an account',
  description: 'Removes the second factor of a user who lost it. Passkeys stay, and all sessions of the account end.',
  params: accountParams,
  status: 204,
  fails: ['account_not_found', 'own_second_factor', 'second_factor_missing'],
  async handle({ who, params, origin }, { users }: Services) {
    const done = await users.removeSecondFactor(who.accountId, params.id, origin)
    return done.ok ? ok(noContent()) : done
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
  endSession,
  resetPassword,
  removeSecondFactor,
]
