import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Account } from '../kernel/account.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Ids, type Random, secretToken } from '../kernel/ids.ts'
import { clientOrigins, type PasskeyOrigins } from '../kernel/passkey-origins.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Passkey, PasskeyStore, Ticket } from './ports.ts'
import type { Tickets } from './tickets.ts'

export type { AuthenticationResponseJSON, RegistrationResponseJSON }

/** What a browser is asked; its answer comes back with the token, once. `expiresIn` is in seconds. */
export type Challenge<O> = { readonly options: O; readonly flowToken: string; readonly expiresIn: number }
/** Whose answer it must be: anybody's to sign in, or this account's, in this session or waiting sign-in. */
export type Asked = { readonly accountId: string; readonly within: string }
export type Shown = { readonly passkey: Passkey; readonly userVerified: boolean }

/** How a browser may reach an authenticator (WebAuthn level 3 §5.8.4), and `cable`, which is what `hybrid` was called. */
const transports = ['usb', 'nfc', 'ble', 'smart-card', 'hybrid', 'internal', 'cable'] as const
type Transport = (typeof transports)[number]

/** The transports among what a browser says: unknown ones are only hints, and dropped (§5.2.1.1). */
export const readTransports = (said: readonly string[]): Transport[] =>
  transports.filter((transport) => said.includes(transport))

const timeout = 300_000
const rpName = 'Vinculum'

type PasskeysParts = {
  passkeys: PasskeyStore
  tickets: Tickets
  clock: Clock
  ids: Ids
  random: Random
  publicUrl: URL
  origins: PasskeyOrigins
}

/**
 * Passkeys (WebAuthn level 3). Each is made so that it can be a way in: it names its account by itself, and its device
 * asks who is holding it. Every challenge is a ticket, taken once, whatever comes of it.
 */
export function createPasskeys({ passkeys, tickets, clock, ids, random, publicUrl, origins }: PasskeysParts) {
  const rpID = publicUrl.hostname
  const expected = { expectedOrigin: clientOrigins(origins, publicUrl), expectedRPID: rpID }
  // Loaded at first use: it brings an ASN.1 and a CBOR reader with it.
  const webauthn = () => import('@simplewebauthn/server')
  const named = (all: readonly Passkey[]) =>
    all.map(({ credentialId: id, transports: kept }) => ({ id, transports: readTransports(kept) }))

  const issue = async <O extends { challenge: string }>(
    purpose: Ticket['purpose'],
    asked: Asked | null,
    options: O,
  ): Promise<Challenge<O>> => {
    const data = { challenge: options.challenge, within: asked?.within ?? null }
    const { secret, expiresIn } = await tickets.issue(purpose, { accountId: asked?.accountId ?? null, data })
    return { options, flowToken: secret, expiresIn }
  }

  /** The challenge that was asked there, taken: a second answer to it is none. */
  const take = async (
    purpose: Ticket['purpose'],
    flowToken: string,
    asked: Asked | null,
  ): Promise<Result<string, AppError<'ticket_invalid'>>> => {
    const ticket = await tickets.find(purpose, flowToken)
    if (!ticket) return fail('ticket_invalid')
    const { challenge, within } = ticket.data
    const fits = ticket.accountId === (asked?.accountId ?? null) && within === (asked?.within ?? null)
    if (!fits || typeof challenge !== 'string' || !(await tickets.use(ticket))) return fail('ticket_invalid')
    return ok(challenge)
  }

  return {
    list: passkeys.list,
    /** Whose a credential is, for their trail: it says nothing of who shows it. */
    ownerOf: async (credentialId: string): Promise<string | null> =>
      (await passkeys.findByCredential(credentialId))?.accountId ?? null,

    async registration(
      { id, email, name }: Account,
      sessionId: string,
    ): Promise<Challenge<PublicKeyCredentialCreationOptionsJSON>> {
      const { generateRegistrationOptions } = await webauthn()
      const options = await generateRegistrationOptions({
        rpName,
        rpID,
        userName: email ?? name ?? id,
        userDisplayName: name ?? email ?? id,
        userID: new Uint8Array(Buffer.from(id)),
        challenge: new Uint8Array(Buffer.from(secretToken(random), 'base64url')),
        timeout,
        attestationType: 'none',
        excludeCredentials: named(await passkeys.list(id)),
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      })
      return issue('passkey_registration', { accountId: id, within: sessionId }, options)
    },

    /** The passkey an answer brings, still to be written down. */
    async registered(
      asked: Asked,
      flowToken: string,
      name: string,
      response: RegistrationResponseJSON,
    ): Promise<Result<Passkey, AppError<'ticket_invalid' | 'passkey_not_added'>>> {
      const challenge = await take('passkey_registration', flowToken, asked)
      if (!challenge.ok) return challenge
      const { verifyRegistrationResponse } = await webauthn()
      try {
        const { verified, registrationInfo } = await verifyRegistrationResponse({
          expectedChallenge: challenge.value,
          ...expected,
          requireUserVerification: true,
          response: await unattested(response),
        })
        if (!verified || inFrame(response)) return fail('passkey_not_added')
        const { credential, credentialBackedUp: backedUp } = registrationInfo
        return ok({
          id: ids('psk'),
          accountId: asked.accountId,
          credentialId: credential.id,
          publicKey: Buffer.from(credential.publicKey).toString('base64url'),
          counter: credential.counter,
          transports: readTransports(response.response.transports ?? []),
          backedUp,
          name,
          createdAt: clock(),
          lastUsedAt: null,
        })
      } catch (cause) {
        return fail('passkey_not_added', undefined, { cause })
      }
    },

    /** For somebody who says who they are by it. */
    async signIn(): Promise<Challenge<PublicKeyCredentialRequestOptionsJSON>> {
      const { generateAuthenticationOptions } = await webauthn()
      const challenge = new Uint8Array(Buffer.from(secretToken(random), 'base64url'))
      const options = await generateAuthenticationOptions({ rpID, challenge, timeout, userVerification: 'required' })
      return issue('passkey_sign_in', null, options)
    },

    /** For somebody of whom this is asked beside something else: holding it is enough. */
    async secondFactor(asked: Asked): Promise<Challenge<PublicKeyCredentialRequestOptionsJSON>> {
      const { generateAuthenticationOptions } = await webauthn()
      const options = await generateAuthenticationOptions({
        rpID,
        timeout,
        userVerification: 'preferred',
        challenge: new Uint8Array(Buffer.from(secretToken(random), 'base64url')),
        allowCredentials: named(await passkeys.list(asked.accountId)),
      })
      return issue('passkey_second_factor', asked, options)
    },

    /** The passkey that answered. With `asked` it must be that account's; without, its device must know its holder. */
    async shown(
      asked: Asked | null,
      flowToken: string,
      response: AuthenticationResponseJSON,
    ): Promise<Result<Shown, AppError<'ticket_invalid' | 'passkey_rejected'>>> {
      const challenge = await take(asked ? 'passkey_second_factor' : 'passkey_sign_in', flowToken, asked)
      if (!challenge.ok) return challenge
      const passkey = await passkeys.findByCredential(response.id)
      if (!passkey || (asked && passkey.accountId !== asked.accountId)) return fail('passkey_rejected')
      const { userHandle } = response.response
      // Whose it is, we know by the credential; a device that believes otherwise is wrong (WebAuthn §7.2, step 6).
      if (userHandle !== undefined && Buffer.from(userHandle, 'base64url').toString() !== passkey.accountId)
        return fail('passkey_rejected')
      const { verifyAuthenticationResponse } = await webauthn()
      try {
        const { verified, authenticationInfo } = await verifyAuthenticationResponse({
          response,
          expectedChallenge: challenge.value,
          ...expected,
          requireUserVerification: asked === null,
          credential: {
            id: passkey.credentialId,
            publicKey: new Uint8Array(Buffer.from(passkey.publicKey, 'base64url')),
            counter: passkey.counter,
            transports: readTransports(passkey.transports),
          },
        })
        const { newCounter: counter, credentialBackedUp: backedUp, userVerified } = authenticationInfo
        if (!verified || inFrame(response) || !(await passkeys.used(passkey.id, { counter, backedUp, at: clock() })))
          return fail('passkey_rejected')
        return ok({ passkey: { ...passkey, backedUp }, userVerified })
      } catch (cause) {
        return fail('passkey_rejected', undefined, { cause })
      }
    },
  }
}
export type Passkeys = ReturnType<typeof createPasskeys>

/**
 * Whether a page of another site had the asking page in a frame (WebAuthn §7.1, §7.2: `crossOrigin`). None of ours may be
 * framed, and a related site that is framed could be clicked through unseen; the library looks at it only in part.
 */
function inFrame({ response }: RegistrationResponseJSON | AuthenticationResponseJSON): boolean {
  const data: unknown = JSON.parse(Buffer.from(response.clientDataJSON, 'base64url').toString())
  const { crossOrigin, topOrigin } = data as { crossOrigin?: unknown; topOrigin?: unknown }
  return crossOrigin === true || topOrigin !== undefined
}

/**
 * The answer without what its device says of its maker. Nobody asked for that, and looking at it is dangerous: the
 * certificates are whoever's who made them, and name addresses the library asks for what was revoked (SSRF).
 */
async function unattested(given: RegistrationResponseJSON): Promise<RegistrationResponseJSON> {
  const { decodeAttestationObject, isoBase64URL, isoCBOR } = await import('@simplewebauthn/server/helpers')
  const { response } = given
  const authData = decodeAttestationObject(isoBase64URL.toBuffer(response.attestationObject)).get('authData')
  const bare = isoCBOR.encode(
    new Map<string, string | Uint8Array | Map<string, never>>([
      ['fmt', 'none'],
      ['attStmt', new Map<string, never>()],
      ['authData', authData],
    ]),
  )
  return { ...given, response: { ...response, attestationObject: isoBase64URL.fromBuffer(bare) } }
}

/** How RFC 8176 calls it: a key that is kept in more places than one device is software. */
export const amrOf = ({ backedUp }: Pick<Passkey, 'backedUp'>, userVerified: boolean): readonly string[] => [
  backedUp ? 'swk' : 'hwk',
  ...(userVerified ? ['user', 'mfa'] : []),
]
