import { z } from 'zod'
import type { NamedPasskey } from '../../credentials/authenticators.ts'
import type { AuthenticationResponseJSON, Challenge, RegistrationResponseJSON } from '../../credentials/passkeys.ts'
import type { PasskeyCode } from '../../flows/sign-in-with-passkey.ts'
import { ok } from '../../kernel/result.ts'
import { json, noContent } from '../reply.ts'
import { object, route } from '../route.ts'
import { flowToken, line, passkeyParams, time } from '../schemas/fields.ts'
import { TokenPairSchema } from '../schemas/sign-in.ts'
import type { Services } from '../services.ts'

/**
 * WebAuthn requires base64url without padding (§5.1.8), which browsers and Android send. Libraries for apps also send
 * base64 and padding (react-native-passkey 1 and 2 do). The bytes are the same.
 */
const base64url = (most: number, least = 0) =>
  z
    .string()
    .min(least)
    .max(most)
    .regex(/^[\w+/-]*={0,2}$/)
    .transform((text) => text.replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_'))
const credentialId = base64url(1400, 1)
/** Libraries for apps send `null` for what the device did not report; browsers omit the member. */
const credential = {
  id: credentialId,
  rawId: credentialId.nullish(),
  type: z.literal('public-key'),
  authenticatorAttachment: z.string().max(40).nullish(),
  clientExtensionResults: z.record(z.string(), z.unknown()).nullish(),
}

/** What browsers return (`PublicKeyCredential.toJSON()`, WebAuthn level 3 §5.1.8). Additional members are ignored. */
export const AuthenticationResponse = z
  .object({
    ...credential,
    response: z.object({
      clientDataJSON: base64url(16_384),
      authenticatorData: base64url(16_384),
      signature: base64url(16_384),
      userHandle: base64url(128).nullish(),
    }),
  })
  .transform(
    ({ id, rawId, type, response: { userHandle, ...response } }): AuthenticationResponseJSON => ({
      id,
      rawId: rawId ?? id,
      type,
      clientExtensionResults: {},
      // A user handle is never empty (§5.4.3). Some libraries send an empty one for none.
      response: { ...response, ...(userHandle ? { userHandle } : {}) },
    }),
  )
  .meta({
    id: 'AuthenticationResponse',
    documented: {
      type: 'object',
      description:
        'The passkey’s response to a sign-in, as `PublicKeyCredential.toJSON()` returns it (WebAuthn Level 3)',
    },
  })

export const RegistrationResponse = z
  .object({
    ...credential,
    response: z.object({
      clientDataJSON: base64url(16_384),
      attestationObject: base64url(16_384),
      // Hints. Known ones are stored (`credentials/passkeys.ts`).
      transports: z.array(z.string()).max(50).nullish(),
    }),
  })
  .transform(
    ({ id, rawId, type, response: { transports, ...response } }): RegistrationResponseJSON => ({
      id,
      rawId: rawId ?? id,
      type,
      clientExtensionResults: {},
      response: { ...response, ...(transports ? { transports } : {}) },
    }),
  )
  .meta({
    id: 'RegistrationResponse',
    documented: {
      type: 'object',
      description: 'The new passkey, as `PublicKeyCredential.toJSON()` returns it (WebAuthn Level 3)',
    },
  })

/** The same in a form field, as JSON text. */
export const formJson = <S extends z.ZodType>(schema: S) =>
  z
    .string()
    .max(49_152)
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text)
      } catch {
        context.addIssue({ code: 'custom', message: 'not JSON' })
        return z.NEVER
      }
    })
    .pipe(schema)
    .meta({ documented: { type: 'string', description: 'The response of the passkey, as JSON text' } })

export const PasskeyChallenge = z
  .object({
    options: z.record(z.string(), z.unknown()).describe('The options for `navigator.credentials`, as JSON'),
    flow_token: z.string().describe('The secret to send back together with the passkey’s response'),
    expires_in: z.number().int().describe('Seconds until the options expire'),
  })
  .meta({ id: 'PasskeyChallenge', description: 'What to ask a passkey or a device for' })
export const passkeyChallenge = ({ options, flowToken, expiresIn }: Challenge<object>) => ({
  options: { ...options },
  flow_token: flowToken,
  expires_in: expiresIn,
})

const PasskeyView = z
  .object({
    id: z.string().describe('The passkey ID'),
    name: z.string().describe('The name the user gave it, or else the name of its authenticator'),
    authenticator: z
      .string()
      .nullable()
      .describe('The password manager, device or security key that holds it; null if unknown'),
    created_at: time.describe('When it was added'),
    last_used_at: time.nullable().describe('When it was last used; null if never'),
    backed_up: z.boolean().describe('Whether it is synced to more than one device'),
  })
  .meta({ id: 'Passkey', description: 'A passkey of the account' })
const viewOf = ({
  id,
  name,
  authenticator,
  createdAt,
  lastUsedAt,
  backedUp,
}: NamedPasskey): z.input<typeof PasskeyView> => ({
  id,
  name,
  authenticator,
  created_at: createdAt.toISOString(),
  last_used_at: lastUsedAt?.toISOString() ?? null,
  backed_up: backedUp,
})

const common = { tag: 'My account', surface: 'api', auth: 'recent', limit: 'account' } as const
export const passkeyName = line.min(1).max(80).describe('A name for the passkey')

const list = route({
  ...common,
  method: 'get',
  path: '/me/passkeys',
  summary: 'List passkeys',
  description: 'The passkeys of the account.',
  example: {
    response: [
      {
        id: 'pky_00000001',
        name: 'Phone',
        authenticator: 'Bitwarden',
        created_at: '2026-01-08T10:00:00.000Z',
        last_used_at: null,
        backed_up: true,
      },
    ],
  },
  auth: 'user',
  reply: () => z.array(PasskeyView),
  fails: [],
  handle: async ({ who }, { flows }: Services) => ok(json((await flows.passkeys.list(who.accountId)).map(viewOf))),
})

/** A challenge for a passkey, whatever it is for. */
const challenging = {
  example: {
    response: {
      options: { challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', rpId: 'id.example.org' },
      flow_token: 'a-secret-of-this-flow',
      expires_in: 300,
    },
  },
  body: object({}),
  bodyOptional: true,
  reply: () => PasskeyChallenge,
  fails: [],
} as const

const options = route({
  ...common,
  method: 'post',
  path: '/me/passkeys/options',
  summary: 'Start passkey registration',
  description: 'Options for `navigator.credentials.create`, and the token that finishes the registration.',
  ...challenging,
  async handle({ who: { account, sessionId }, origin }, { flows }: Services) {
    return ok(json(passkeyChallenge(await flows.passkeys.challenge({ account, sessionId, origin }))))
  },
})

export const add = route({
  ...common,
  method: 'post',
  path: '/me/passkeys',
  summary: 'Add a passkey',
  description: 'Finishes a passkey registration. All other sessions end.',
  example: {
    request: {
      flow_token: 'a-secret-of-this-flow',
      name: 'Phone',
      response: {
        id: 'AQIDBAUGBwg',
        rawId: 'AQIDBAUGBwg',
        type: 'public-key',
        response: { clientDataJSON: 'eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0', attestationObject: 'o2NmbXRkbm9uZQ' },
      },
    },
    response: {
      id: 'pky_00000001',
      name: 'Phone',
      authenticator: 'Bitwarden',
      created_at: '2026-01-08T10:00:00.000Z',
      last_used_at: null,
      backed_up: true,
    },
  },
  body: object({
    flow_token: flowToken,
    name: passkeyName.optional().describe('A name for the passkey; if omitted, the name of its authenticator'),
    response: RegistrationResponse,
  }),
  reply: () => PasskeyView,
  status: 201,
  fails: ['ticket_invalid', 'passkey_not_added'],
  async handle({ who: { account, sessionId }, body, origin }, { flows }: Services) {
    const { flow_token: flowToken, name, response } = body
    const added = await flows.passkeys.add({ account, sessionId, origin }, { flowToken, name, response })
    return added.ok ? ok(json(viewOf(added.value))) : added
  },
})

export const rename = route({
  ...common,
  method: 'patch',
  path: '/me/passkeys/:id',
  summary: 'Rename a passkey',
  description: 'Changes the name of a passkey.',
  example: { request: { name: 'Work phone' } },
  auth: 'user',
  params: passkeyParams,
  body: object({ name: passkeyName }),
  status: 204,
  fails: ['passkey_not_found'],
  async handle({ who, params, body, origin }, { flows }: Services) {
    const renamed = await flows.passkeys.rename({ id: params.id, accountId: who.accountId }, body.name, origin)
    return renamed.ok ? ok(noContent()) : renamed
  },
})

export const remove = route({
  ...common,
  method: 'delete',
  path: '/me/passkeys/:id',
  summary: 'Remove a passkey',
  description: 'Removes a passkey if another sign-in method is left. All other sessions end.',
  params: passkeyParams,
  status: 204,
  fails: ['passkey_not_found', 'last_login_method', 'session_revoked'],
  async handle({ who: { account, sessionId }, params, origin }, { flows }: Services) {
    const removed = await flows.passkeys.remove({ account, sessionId, origin }, params.id)
    return removed.ok ? ok(noContent()) : removed
  },
})

const passkeySignInFails = [
  'ticket_invalid',
  'passkey_rejected',
  'user_disabled',
  'email_unverified',
  'second_factor_required',
  'sign_in_overtaken',
  'return_to_not_allowed',
] as const satisfies readonly PasskeyCode[]

const signingIn = { tag: 'Sign-in', surface: 'api', auth: 'none', limit: 'sign_in', method: 'post' } as const

const ask = route({
  ...signingIn,
  // A challenge is no guess, and every sign-in page that is shown requests one.
  limit: 'browse',
  path: '/auth/passkey/options',
  summary: 'Start passkey sign-in',
  description: 'Options for `navigator.credentials.get`, and the token that finishes the sign-in.',
  ...challenging,
  handle: async (_, { flows }: Services) => ok(json(passkeyChallenge(await flows.signInWithPasskey.challenge()))),
})

export const signIn = route({
  ...signingIn,
  path: '/auth/passkey',
  summary: 'Sign in with a passkey',
  description: 'Finishes a passkey sign-in and returns a token pair.',
  example: {
    request: {
      flow_token: 'a-secret-of-this-flow',
      response: {
        id: 'AQIDBAUGBwg',
        rawId: 'AQIDBAUGBwg',
        type: 'public-key',
        response: {
          clientDataJSON: 'eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0',
          authenticatorData: 'SZYN5YgOjGh0NBcPZHZgW4',
          signature: 'MEUCIQDKh0',
        },
      },
    },
    response: {
      access_token: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl',
      refresh_token: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl',
      token_type: 'bearer',
      expires_in: 900,
      refresh_expires_in: 2592000,
    },
  },
  body: object({ flow_token: flowToken, response: AuthenticationResponse }),
  reply: () => TokenPairSchema,
  fails: passkeySignInFails,
  async handle({ body, origin }, { flows, tokens }: Services) {
    const entered = await flows.signInWithPasskey.signIn(body.flow_token, body.response, {
      origin,
      browser: false,
      replaces: null,
      returnTo: null,
      codeChallenge: null,
    })
    return entered.ok ? ok(json(tokens.pair(entered.value.session))) : entered
  },
})

export const passkeyRoutes = [list, options, add, rename, remove, ask, signIn]
