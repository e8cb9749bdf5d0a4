import { z } from 'zod'
import { readEmail } from '../../kernel/email.ts'
import { ok } from '../../kernel/result.ts'
import { isRecent } from '../principal.ts'
import { faulty, passwordFaults } from '../problem.ts'
import { json, noContent } from '../reply.ts'
import { object, type Principal, route } from '../route.ts'
import { addressText, line, passwordChosen, passwordGiven } from '../schemas/fields.ts'
import type { Services } from '../services.ts'

export const register = route({
  method: 'post',
  path: '/auth/register',
  summary: 'Create an account',
  description:
    'Creates an account with a password and emails a verification link. If the email address is taken, the response is the same, and the owner of the address gets an email.',
  tag: 'Sign-in',
  surface: 'api',
  auth: 'none',
  limit: 'sign_in',
  body: object({
    email: addressText,
    password: passwordChosen,
    name: line.min(1).nullable().optional().describe('The display name'),
  }),
  reply: () =>
    z
      .object({ email: z.string().describe('The email address the verification link is sent to') })
      .meta({ id: 'Registration', description: 'The request was accepted, whether or not the email address is taken' }),
  status: 201,
  fails: ['password_rejected', 'user_creation_disabled', 'invalid_request'],
  async handle({ body, origin }, { flows }: Services) {
    const email = readEmail(body.email)
    if (!email) return faulty('email', 'invalid_format')
    const done = await flows.register({ email, password: body.password, name: body.name ?? null }, origin)
    if (done.ok) return ok(json({ email: email.address }))
    return { ...done, faults: passwordFaults('password', done.error) }
  },
})

const common = { tag: 'My account', surface: 'api', limit: 'sign_in' } as const

export const change = route({
  ...common,
  method: 'put',
  path: '/me/password',
  summary: 'Set or change the password',
  description:
    'Sets the first password, which needs a recent sign-in, or changes it with the current one. All other sessions end.',
  example: { request: { current_password: 'a long passphrase of Pat', new_password: 'another long passphrase' } },
  auth: 'user',
  body: object({
    current_password: passwordGiven.optional().describe('The current password, if there is one'),
    new_password: passwordChosen,
  }),
  status: 204,
  fails: [
    'invalid_credentials',
    'too_many_attempts',
    'password_rejected',
    'reauthentication_required',
    'email_required',
    'email_unverified',
    'sign_in_overtaken',
    'invalid_request',
  ],
  async handle({ who, body, origin }, services: Services) {
    const { current_password: current, new_password: wanted } = body
    const done = await services.flows.password.change(askingOf(who, services), { current, wanted }, origin)
    if (done.ok) return ok(noContent())
    switch (done.error.code) {
      case 'invalid_request':
        return faulty('current_password', 'required')
      case 'invalid_credentials':
        return { ...done, faults: [{ path: 'current_password', code: 'invalid' }] }
      default:
        return { ...done, faults: passwordFaults('new_password', done.error) }
    }
  },
})

export const remove = route({
  ...common,
  method: 'delete',
  path: '/me/password',
  summary: 'Remove the password',
  description: 'Removes the password if another sign-in method is left. All other sessions end.',
  auth: 'recent',
  status: 204,
  fails: ['not_linked', 'last_login_method'],
  async handle({ who, origin }, services: Services) {
    const done = await services.flows.password.remove(askingOf(who, services), origin)
    return done.ok ? ok(noContent()) : done
  },
})

export const askingOf = (who: Principal, { clock, settings }: Services) => ({
  account: who.account,
  sessionId: who.sessionId,
  recent: isRecent(who, clock(), settings.recentAuthSeconds),
})

export const passwordRoutes = [register, change, remove]
