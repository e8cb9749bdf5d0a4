import { z } from 'zod'
import type { SignInByEmailCode } from '../../flows/sign-in-by-email.ts'
import { readEmail } from '../../kernel/email.ts'
import { ok } from '../../kernel/result.ts'
import { faulty, passwordFaults } from '../problem.ts'
import { json, noContent } from '../reply.ts'
import { object, route } from '../route.ts'
import { addressText, emailedTicket, flowToken, passwordChosen, typedCode } from '../schemas/fields.ts'
import { StartedByMail, startedByMail, TokenPairSchema } from '../schemas/sign-in.ts'
import type { Services } from '../services.ts'
import { enteringOf, targetFields } from './sign-in-target.ts'

/**
 * Proofs by email. A request for an email always gets 202, whether or not the address has an account: only the reader
 * of the mailbox learns that.
 */
const common = { method: 'post', surface: 'api', limit: 'sign_in' } as const
const mine = { ...common, tag: 'My account', auth: 'user' } as const
const anybody = { ...common, tag: 'Sign-in', auth: 'none' } as const

const Sent = z
  .object({})
  .meta({ id: 'EmailRequested', description: 'An email is sent, if the address belongs to an account' })
const sent = () => ok(json({}))

export const askToVerify = route({
  ...mine,
  path: '/me/email/verify',
  summary: 'Send a verification email',
  description: 'Emails a link that verifies the email address of the account.',
  example: { response: {} },
  body: object({}),
  bodyOptional: true,
  status: 202,
  reply: () => Sent,
  fails: ['mail_not_configured'],
  async handle({ who, origin }, { flows }: Services) {
    const asked = await flows.verifyEmail.ask(who.account, origin)
    return asked.ok ? sent() : asked
  },
})

export const verify = route({
  ...mine,
  path: '/auth/email/verify',
  summary: 'Verify the email address',
  description:
    'Verifies the email address with the ticket of the emailed link. You must be signed in to the same account.',
  body: object({ ticket: emailedTicket }),
  status: 204,
  fails: ['ticket_invalid'],
  async handle({ who, body, origin }, { flows }: Services) {
    const verified = await flows.verifyEmail.confirm(body.ticket, who.accountId, origin)
    return verified.ok ? ok(noContent()) : verified
  },
})

export const askToChange = route({
  ...mine,
  method: 'put',
  path: '/me/email',
  auth: 'recent',
  summary: 'Change the email address',
  description: 'Emails a link to the new address. The address changes when you follow the link.',
  example: { request: { email: 'pat@example.org' }, response: {} },
  body: object({ email: addressText }),
  status: 202,
  reply: () => Sent,
  fails: ['mail_not_configured', 'invalid_request'],
  async handle({ who, body, origin }, { flows }: Services) {
    const email = readEmail(body.email)
    if (!email) return faulty('email', 'invalid_format')
    if (who.account.emailVerified && readEmail(who.account.email ?? '')?.key === email.key)
      return faulty('email', 'invalid')
    const asked = await flows.changeEmail.ask(who.account, email, origin)
    return asked.ok ? sent() : asked
  },
})

export const change = route({
  ...mine,
  path: '/auth/email/change',
  summary: 'Confirm the new email address',
  description: 'Changes the email address with the ticket of the emailed link. All other sessions end.',
  example: { request: { ticket: 'a-ticket-from-an-email' } },
  body: object({ ticket: emailedTicket }),
  status: 204,
  fails: ['ticket_invalid'],
  async handle({ who, body, origin }, { flows }: Services) {
    const changed = await flows.changeEmail.confirm(body.ticket, who, origin)
    return changed.ok ? ok(noContent()) : changed
  },
})

export const forgot = route({
  ...anybody,
  path: '/auth/password/forgot',
  summary: 'Send a password reset email',
  description:
    'Emails a link to set a new password, if there is an account. The response does not say whether there is one.',
  body: object({ email: addressText }),
  status: 202,
  reply: () => Sent,
  fails: ['mail_not_configured', 'invalid_request'],
  async handle({ body, origin }, { flows }: Services) {
    const email = readEmail(body.email)
    if (!email) return faulty('email', 'invalid_format')
    const asked = await flows.resetPassword.ask(email, origin)
    return asked.ok ? sent() : asked
  },
})

export const reset = route({
  ...anybody,
  path: '/auth/password/reset',
  summary: 'Reset the password',
  description:
    'Sets a new password with the ticket of the emailed link. All sessions end; sign in with the new password.',
  body: object({ ticket: emailedTicket, password: passwordChosen }),
  status: 204,
  fails: ['ticket_invalid', 'password_rejected', 'user_disabled'],
  async handle({ body, origin }, { flows }: Services) {
    const done = await flows.resetPassword.reset(body.ticket, body.password, origin)
    return done.ok ? ok(noContent()) : { ...done, faults: passwordFaults('password', done.error) }
  },
})

export const begin = route({
  ...anybody,
  path: '/auth/email',
  summary: 'Start a sign-in by email',
  description:
    'Emails a link and a code to sign in with. The code is valid together with the returned `flow_token`. The response does not say whether there is an account.',
  body: object({ email: addressText, ...targetFields }),
  status: 202,
  reply: () => StartedByMail,
  fails: ['mail_not_configured', 'return_to_not_allowed', 'invalid_request'],
  async handle({ body, origin }, services: Services) {
    const entering = await enteringOf(body, null, origin, services)
    if (!entering.ok) return entering
    const email = readEmail(body.email)
    if (!email) return faulty('email', 'invalid_format')
    const { returnTo, codeChallenge } = entering.value
    const begun = await services.flows.signInByEmail.begin({ email, onward: { returnTo, codeChallenge }, origin })
    if (!begun.ok) return begun
    return ok(json(startedByMail(begun.value)))
  },
})

export const finish = route({
  ...anybody,
  path: '/auth/email/finish',
  summary: 'Finish a sign-in by email',
  description: 'Signs in with the emailed code and its `flow_token`, or with the ticket of the emailed link.',
  body: z.union([object({ flow_token: flowToken, code: typedCode }), object({ ticket: emailedTicket })]),
  reply: () => TokenPairSchema,
  fails: [
    'ticket_invalid',
    'too_many_attempts',
    'second_factor_required',
    'user_disabled',
    'email_unverified',
    'sign_in_overtaken',
    'return_to_not_allowed',
  ] satisfies readonly (SignInByEmailCode | 'too_many_attempts')[],
  async handle({ body, origin }, { flows, tokens }: Services) {
    const arrival = { origin, browser: false, replaces: null }
    const entered =
      'ticket' in body
        ? await flows.signInByEmail.byLink(body.ticket, arrival)
        : await flows.signInByEmail.byCode(body.flow_token, body.code, arrival)
    return entered.ok ? ok(json(tokens.pair(entered.value.session))) : entered
  },
})

export const mailRoutes = [askToVerify, verify, askToChange, change, forgot, reset, begin, finish]
