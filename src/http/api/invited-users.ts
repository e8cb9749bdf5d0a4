import { z } from 'zod'
import { readEmail } from '../../kernel/email.ts'
import { ok } from '../../kernel/result.ts'
import { faulty, passwordFaults } from '../problem.ts'
import { json, noContent } from '../reply.ts'
import { object, route } from '../route.ts'
import {
  accountParams,
  addressText,
  emailedTicket,
  LocaleName,
  line,
  passwordChosen,
  RoleSchema,
} from '../schemas/fields.ts'
import { ManagedUser, managedUserOf } from '../schemas/managed-user.ts'
import type { Services } from '../services.ts'

/** Administrators add other people, as with every change of their accounts after a recent sign-in. */
const writing = {
  tag: 'Administration',
  surface: 'api',
  limit: 'account',
  auth: 'recent',
  scope: 'users:write',
} as const

const invited = {
  id: 'usr_00000001',
  email: 'pat@example.com',
  email_verified: false,
  name: 'Pat',
  picture: null,
  role: 'user',
  locale: 'en',
  second_factor: false,
  created_at: '2026-01-08T10:00:00.000Z',
  updated_at: '2026-01-08T10:00:00.000Z',
  last_sign_in_at: null,
  disabled_at: null,
  invited_at: '2026-01-08T10:00:00.000Z',
  invitation_expires_at: '2026-01-15T10:00:00.000Z',
  metadata: { public: {} },
} as const

export const addPerson = route({
  ...writing,
  method: 'post',
  path: '/users',
  summary: 'Add a person',
  description:
    'Creates an account for an email address, without a sign-in method, and emails an invitation that is valid for seven days. ' +
    'The account goes to the person who proves the address: with the emailed link, or with any sign-in that proves it. ' +
    'This works even where people cannot create accounts themselves.',
  example: { request: { email: 'pat@example.com', name: 'Pat', locale: 'en' }, response: invited },
  body: object({
    email: addressText.describe('The email address of the person'),
    name: line.min(1).nullable().optional().describe('The display name'),
    role: RoleSchema.default('user').describe('The role that the person gets'),
    locale: LocaleName.nullable()
      .optional()
      .describe('The language of pages and email; omitted: the invitation is in the language of the request'),
    send: z.boolean().optional().describe('Whether to email an invitation; omitted: if the service can send email'),
  }),
  status: 201,
  reply: () => ManagedUser,
  fails: ['email_taken', 'mail_not_configured', 'rate_limited', 'invalid_request'],
  async handle({ who, body, origin }, { flows }: Services) {
    const email = readEmail(body.email)
    if (!email) return faulty('email', 'invalid_format')
    const { name = null, role, locale = null, send = null } = body
    const created = await flows.invitePerson.create(who.accountId, { email, name, role, locale, send }, origin)
    return created.ok ? ok(json(managedUserOf(created.value))) : created
  },
})

export const sendInvitation = route({
  ...writing,
  method: 'post',
  path: '/users/:id/invitation',
  summary: 'Send an invitation again',
  description: 'Emails another invitation to a person who has not accepted yet. The link of the previous one ends.',
  example: { response: invited },
  params: accountParams,
  body: object({}),
  bodyOptional: true,
  reply: () => ManagedUser,
  fails: ['account_not_found', 'not_invited', 'mail_not_configured', 'rate_limited'],
  async handle({ who, params, origin }, { flows }: Services) {
    const sent = await flows.invitePerson.send(who.accountId, params.id, origin)
    return sent.ok ? ok(json(managedUserOf(sent.value))) : sent
  },
})

export const withdrawInvitation = route({
  ...writing,
  method: 'delete',
  path: '/users/:id/invitation',
  summary: 'Withdraw an invitation',
  description: 'Deletes an account whose person has not accepted yet. Its emailed links become invalid.',
  params: accountParams,
  status: 204,
  fails: ['account_not_found', 'not_invited'],
  async handle({ who, params, origin }, { flows }: Services) {
    const done = await flows.invitePerson.withdraw(who.accountId, params.id, origin)
    return done.ok ? ok(noContent()) : done
  },
})

export const acceptInvitation = route({
  method: 'post',
  path: '/auth/invitation',
  tag: 'Sign-in',
  surface: 'api',
  auth: 'none',
  limit: 'sign_in',
  summary: 'Accept an invitation',
  description:
    'Verifies the email address with the ticket of the emailed link, and sets a password if one is sent. ' +
    'Nobody is signed in: sign in with the password, by email, or with a provider that has verified the address.',
  example: {
    request: { ticket: 'a-ticket-from-an-email', password: 'correct horse battery' },
    response: { email: 'pat@example.com' },
  },
  body: object({
    ticket: emailedTicket,
    password: passwordChosen.optional().describe('The password to set; omitted: the account gets none'),
  }),
  reply: () =>
    z
      .object({ email: z.string().describe('The email address to sign in with') })
      .meta({ id: 'InvitationAccepted', description: 'The account belongs to the person now' }),
  fails: ['ticket_invalid', 'password_rejected'],
  async handle({ body, origin }, { flows }: Services) {
    const done = await flows.invitePerson.accept(body.ticket, body.password ?? null, origin)
    return done.ok ? ok(json(done.value)) : { ...done, faults: passwordFaults('password', done.error) }
  },
})

export const invitedUserRoutes = [addPerson, sendInvitation, withdrawInvitation, acceptInvitation]
