import { z } from 'zod'
import type { Origin } from '../../events/catalogue.ts'
import type { SecondFactorCode } from '../../flows/prove-second-factor.ts'
import { ok } from '../../kernel/result.ts'
import { readTypedCode } from '../../kernel/typed-code.ts'
import { faulty } from '../problem.ts'
import { json, noContent } from '../reply.ts'
import { object, type Principal, route } from '../route.ts'
import { flowToken, secretText, time, typedCode } from '../schemas/fields.ts'
import { AuthResponse, authResponse, TokenPairSchema } from '../schemas/sign-in.ts'
import type { Services } from '../services.ts'
import { AuthenticationResponse, PasskeyChallenge, passkeyChallenge } from './passkeys.ts'

const common = { tag: 'My account', surface: 'api', auth: 'recent', limit: 'account' } as const

const factorOwner = (who: Principal, origin: Origin) => ({ account: who.account, sessionId: who.sessionId, origin })

export const totpCode = typedCode
  .transform(readTypedCode)
  .pipe(z.string().regex(/^\d{6}$/))
  .meta({ documented: { type: 'string', description: 'The six-digit code of the authenticator app' } })
export const recoveryCode = typedCode.min(1).describe('One of the recovery codes; each works once')

const Codes = z
  .object({ recovery_codes: z.array(z.string()).describe('The recovery codes, shown only once') })
  .meta({ id: 'RecoveryCodes', description: 'New recovery codes' })
const codes = (shown: readonly string[]) => json({ recovery_codes: [...shown] })

const show = route({
  ...common,
  method: 'get',
  path: '/me/second-factor',
  summary: 'Get the second factor',
  description: 'Whether sign-ins ask for a second factor, since when, and how many recovery codes are left.',
  auth: 'user',
  reply: () =>
    z
      .object({
        totp: z.boolean().describe('Whether an authenticator app is set up'),
        recovery_codes_left: z.number().int().describe('How many recovery codes are left'),
        since: time.nullable().describe('Since when sign-ins ask for a second factor; null if they do not'),
      })
      .meta({ id: 'SecondFactor', description: 'The second factor of the account' }),
  fails: [],
  async handle({ who }, { flows }: Services) {
    const { totp, recoveryCodesLeft } = await flows.secondFactor.show(who.accountId)
    const since = who.account.secondFactorAt?.toISOString() ?? null
    return ok(json({ totp, recovery_codes_left: recoveryCodesLeft, since }))
  },
})

export const begin = route({
  ...common,
  method: 'post',
  path: '/me/second-factor/totp',
  summary: 'Start authenticator app setup',
  description: 'Creates a secret for an authenticator app. It takes effect when you confirm a code of the app.',
  body: object({}),
  bodyOptional: true,
  reply: () =>
    z
      .object({
        secret: z.string().describe('The secret in Base32, to type into the app'),
        uri: z.string().describe('The `otpauth:` URI, to show as a QR code'),
      })
      .meta({ id: 'TotpSetup', description: 'The secret of an authenticator app' }),
  fails: ['second_factor_exists'],
  async handle({ who, origin }, { flows }: Services) {
    const begun = await flows.secondFactor.beginTotp(factorOwner(who, origin))
    return begun.ok ? ok(json(begun.value)) : begun
  },
})

export const confirm = route({
  ...common,
  method: 'post',
  path: '/me/second-factor/totp/confirm',
  summary: 'Confirm the authenticator app',
  description:
    'Turns on the second factor with the first code of the app and returns recovery codes, which are shown only once. All other sessions end.',
  body: object({ code: totpCode }),
  reply: () => Codes,
  fails: ['second_factor_missing', 'second_factor_invalid'],
  async handle({ who, body, origin }, { flows }: Services) {
    const confirmed = await flows.secondFactor.confirmTotp(factorOwner(who, origin), body.code)
    return confirmed.ok ? ok(codes(confirmed.value)) : confirmed
  },
})

export const removeTotp = route({
  ...common,
  method: 'delete',
  path: '/me/second-factor/totp',
  summary: 'Remove the authenticator app',
  description: 'Removes the authenticator app. If passkeys are the second factor too, sign-ins still ask for one.',
  status: 204,
  fails: ['second_factor_missing'],
  async handle({ who, origin }, { flows }: Services) {
    const removed = await flows.secondFactor.removeTotp(factorOwner(who, origin))
    return removed.ok ? ok(noContent()) : removed
  },
})

export const ask = route({
  ...common,
  method: 'post',
  path: '/me/second-factor',
  summary: 'Use passkeys as second factor',
  description:
    'From now on, every other sign-in method also asks for a passkey. Returns recovery codes, which are shown only once.',
  example: { response: { recovery_codes: ['abcd-efgh-jkmn', 'pqrs-tuvw-xyz2'] } },
  body: object({}),
  bodyOptional: true,
  reply: () => Codes,
  fails: ['second_factor_missing', 'reauthentication_required'],
  async handle({ who, origin }, { flows }: Services) {
    const asked = await flows.secondFactor.ask({ ...factorOwner(who, origin), amr: who.amr })
    return asked.ok ? ok(codes(asked.value)) : asked
  },
})

export const stop = route({
  ...common,
  method: 'delete',
  path: '/me/second-factor',
  summary: 'Turn off the second factor',
  description: 'Sign-ins no longer ask for a second factor. Passkeys remain as a sign-in method.',
  status: 204,
  fails: ['second_factor_missing'],
  async handle({ who, origin }, { flows }: Services) {
    const stopped = await flows.secondFactor.stop(factorOwner(who, origin))
    return stopped.ok ? ok(noContent()) : stopped
  },
})

export const regenerate = route({
  ...common,
  method: 'post',
  path: '/me/recovery-codes',
  summary: 'Replace recovery codes',
  description: 'Creates new recovery codes, which are shown only once. The previous codes stop working.',
  example: { response: { recovery_codes: ['abcd-efgh-jkmn', 'pqrs-tuvw-xyz2'] } },
  body: object({}),
  bodyOptional: true,
  reply: () => Codes,
  fails: ['second_factor_missing'],
  async handle({ who, origin }, { flows }: Services) {
    const made = await flows.secondFactor.replaceCodes(factorOwner(who, origin))
    return made.ok ? ok(codes(made.value)) : made
  },
})

const proveFails = [
  'ticket_invalid',
  'user_disabled',
  'too_many_attempts',
  'second_factor_invalid',
  'sign_in_overtaken',
  'email_unverified',
  'return_to_not_allowed',
] as const satisfies readonly SecondFactorCode[]

const ticket = secretText.describe('The `second_factor_ticket` of the problem')

const signingIn = { tag: 'Sign-in', surface: 'api', auth: 'none', limit: 'sign_in', method: 'post' } as const

const options = route({
  ...signingIn,
  path: '/auth/second-factor/options',
  summary: 'Start second factor with passkey',
  description:
    'Passkey options for a sign-in that waits for its second factor. Apps send the ticket; browsers have it in a cookie.',
  example: {
    request: { second_factor_ticket: 'a-ticket-from-the-problem' },
    response: {
      options: { challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', rpId: 'id.example.org' },
      flow_token: 'a-secret-of-this-flow',
      expires_in: 300,
    },
  },
  body: object({ second_factor_ticket: ticket.optional() }),
  reply: () => PasskeyChallenge,
  fails: ['ticket_invalid'],
  async handle({ body, cookie }, { flows }: Services) {
    const ticket = body.second_factor_ticket ?? cookie('second_factor') ?? ''
    const challenge = await flows.proveSecondFactor.challenge(ticket)
    return challenge.ok ? ok(json(passkeyChallenge(challenge.value))) : challenge
  },
})

export const prove = route({
  ...signingIn,
  path: '/auth/second-factor',
  summary: 'Finish a sign-in with second factor',
  description:
    'Finishes a sign-in that ended with `second_factor_required`. Send exactly one of `totp`, `recovery_code` and `passkey`.',
  body: object({
    second_factor_ticket: ticket,
    totp: totpCode.optional(),
    recovery_code: recoveryCode.optional(),
    passkey: object({ flow_token: flowToken, response: AuthenticationResponse })
      .optional()
      .describe('The response of a passkey, from `POST /auth/second-factor/options`'),
  }),
  reply: () =>
    z.union([AuthResponse, TokenPairSchema]).describe('The tokens; with the account after a provider sign-in'),
  fails: [...proveFails, 'invalid_request'],
  async handle({ body, origin }, { flows, tokens }: Services) {
    const { totp, recovery_code, passkey } = body
    const given = [
      ...(totp === undefined ? [] : [{ type: 'totp', code: totp } as const]),
      ...(recovery_code === undefined ? [] : [{ type: 'recovery_code', code: recovery_code } as const]),
      ...(passkey === undefined
        ? []
        : [{ type: 'passkey', flowToken: passkey.flow_token, response: passkey.response } as const]),
    ]
    const [proof, ...more] = given
    if (!proof) return faulty('totp', 'required')
    if (more.length > 0) return faulty(more[0]?.type ?? 'passkey', 'repeated')
    const proven = await flows.proveSecondFactor.prove(body.second_factor_ticket, proof, origin)
    if (!proven.ok) return proven
    const { session, account, action, provider, providerUserId: subject } = proven.value
    const pair = tokens.pair(session)
    return ok(json(session.identityId === null ? pair : authResponse({ account, action, provider, subject }, pair)))
  },
})

export const secondFactorRoutes = [show, begin, confirm, removeTotp, ask, stop, regenerate, options, prove]
