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
import type { PreparedChange } from '../kernel/prepared-change.ts'
import { ok, type Result } from '../kernel/result.ts'
import { authenticatorName } from './authenticators.ts'
import type { IssuedPurpose, Passkey, PasskeyStore, Ticket } from './ports.ts'
import type { Tickets } from './tickets.ts'

export type { AuthenticationResponseJSON, RegistrationResponseJSON }

/** A WebAuthn request for a browser. The response returns with the token, once. `expiresIn` is in seconds. */
export type Challenge<O> = { readonly options: O; readonly flowToken: string; readonly expiresIn: number }
/**
 * The account that must respond, and the session or pending sign-in in which it was asked. Absent for a sign-in with
 * any passkey.
 */
export type PasskeySubject = { readonly accountId: string; readonly within: string }
export type PasskeyAssertion = {
  readonly passkey: Passkey
  readonly userVerified: boolean
  /** Uses up the challenge, and records the use of the passkey. */
  readonly using: readonly PreparedChange[]
}

/** How a browser can reach an authenticator (WebAuthn level 3 §5.8.4), and `cable`, the former name of `hybrid`. */
const transports = ['usb', 'nfc', 'ble', 'smart-card', 'hybrid', 'internal', 'cable'] as const
type Transport = (typeof transports)[number]

/** The known transports in a browser's list. Unknown ones are only hints and are ignored (§5.2.1.1). */
export const readTransports = (said: readonly string[]): Transport[] =>
  transports.filter((transport) => said.includes(transport))

const timeout = 300_000
/** The name of a passkey that nobody named and whose authenticator is unknown. */
const unknownName = 'Passkey'
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
 * Passkeys (WebAuthn level 3). Each can sign in on its own: it identifies its account, and its device verifies the
 * user. Every challenge is a ticket that can be used once, whatever the result.
 */
export function createPasskeys({ passkeys, tickets, clock, ids, random, publicUrl, origins }: PasskeysParts) {
  const rpID = publicUrl.hostname
  const expected = { expectedOrigin: clientOrigins(origins, publicUrl), expectedRPID: rpID }
  // Load the library at first use: it includes an ASN.1 and a CBOR parser.
  const webauthn = () => import('@simplewebauthn/server')
  const describePasskeys = (all: readonly Passkey[]) =>
    all.map(({ credentialId: id, transports: kept }) => ({ id, transports: readTransports(kept) }))

  const issue = async <O extends { challenge: string }>(
    purpose: IssuedPurpose,
    asked: PasskeySubject | null,
    options: O,
  ): Promise<Challenge<O>> => {
    const data = { challenge: options.challenge, within: asked?.within ?? null }
    const { secret, expiresIn } = await tickets.issue(purpose, { accountId: asked?.accountId ?? null, data })
    return { options, flowToken: secret, expiresIn }
  }

  /** The challenge of this ceremony, and what uses it up: a second response to it is rejected. */
  const find = async (
    purpose: Ticket['purpose'],
    flowToken: string,
    asked: PasskeySubject | null,
  ): Promise<Result<{ challenge: string; using: PreparedChange }, AppError<'ticket_invalid'>>> => {
    const ticket = await tickets.find(purpose, flowToken)
    if (!ticket) return fail('ticket_invalid')
    const { challenge, within } = ticket.data
    const fits = ticket.accountId === (asked?.accountId ?? null) && within === (asked?.within ?? null)
    if (!fits || typeof challenge !== 'string') return fail('ticket_invalid')
    return ok({ challenge, using: tickets.using(ticket) })
  }

  /** Whether the response to this challenge is signed by the passkey, on one of our pages. */
  const verify = async (
    passkey: Passkey,
    expectedChallenge: string,
    response: AuthenticationResponseJSON,
    requireUserVerification: boolean,
  ): Promise<Result<{ counter: number; backedUp: boolean; userVerified: boolean }, AppError<'passkey_rejected'>>> => {
    const { verifyAuthenticationResponse } = await webauthn()
    try {
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response,
        expectedChallenge,
        ...expected,
        requireUserVerification,
        credential: {
          id: passkey.credentialId,
          publicKey: new Uint8Array(Buffer.from(passkey.publicKey, 'base64url')),
          counter: passkey.counter,
          transports: readTransports(passkey.transports),
        },
      })
      if (!verified || isFramed(response)) return fail('passkey_rejected')
      const { newCounter: counter, credentialBackedUp: backedUp, userVerified } = authenticationInfo
      return ok({ counter, backedUp, userVerified })
    } catch (cause) {
      return fail('passkey_rejected', undefined, { cause })
    }
  }

  return {
    list: passkeys.list,
    /** The account of a credential, for its audit log. It proves nothing about who presents it. */
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
        excludeCredentials: describePasskeys(await passkeys.list(id)),
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      })
      return issue('passkey_registration', { accountId: id, within: sessionId }, options)
    },

    /**
     * Verifies a registration and returns the new passkey, which is not stored yet. Without a name it gets the name of
     * its authenticator.
     */
    async registered(
      asked: PasskeySubject,
      flowToken: string,
      name: string | undefined,
      response: RegistrationResponseJSON,
    ): Promise<Result<Passkey, AppError<'ticket_invalid' | 'passkey_not_added'>>> {
      const found = await find('passkey_registration', flowToken, asked)
      if (!found.ok) return found
      if (!(await found.value.using.make())) return fail('ticket_invalid')
      const { verifyRegistrationResponse } = await webauthn()
      try {
        const { verified, registrationInfo } = await verifyRegistrationResponse({
          expectedChallenge: found.value.challenge,
          ...expected,
          requireUserVerification: true,
          response: await withoutAttestation(response),
        })
        if (!verified || isFramed(response)) return fail('passkey_not_added')
        const { credential, credentialBackedUp: backedUp } = registrationInfo
        const aaguid = readAaguid(registrationInfo.aaguid)
        return ok({
          id: ids('psk'),
          accountId: asked.accountId,
          credentialId: credential.id,
          publicKey: Buffer.from(credential.publicKey).toString('base64url'),
          counter: credential.counter,
          transports: readTransports(response.response.transports ?? []),
          backedUp,
          aaguid,
          name: name ?? authenticatorName(aaguid) ?? unknownName,
          createdAt: clock(),
          lastUsedAt: null,
        })
      } catch (cause) {
        return fail('passkey_not_added', undefined, { cause })
      }
    },

    /** Starts a sign-in with any passkey, which identifies its account. */
    async signIn(): Promise<Challenge<PublicKeyCredentialRequestOptionsJSON>> {
      const { generateAuthenticationOptions } = await webauthn()
      const challenge = new Uint8Array(Buffer.from(secretToken(random), 'base64url'))
      const options = await generateAuthenticationOptions({ rpID, challenge, timeout, userVerification: 'required' })
      return issue('passkey_sign_in', null, options)
    },

    /** Starts a second factor with one of the account's passkeys. Possession is enough. */
    async secondFactor(asked: PasskeySubject): Promise<Challenge<PublicKeyCredentialRequestOptionsJSON>> {
      const { generateAuthenticationOptions } = await webauthn()
      const options = await generateAuthenticationOptions({
        rpID,
        timeout,
        userVerification: 'preferred',
        challenge: new Uint8Array(Buffer.from(secretToken(random), 'base64url')),
        allowCredentials: describePasskeys(await passkeys.list(asked.accountId)),
      })
      return issue('passkey_second_factor', asked, options)
    },

    /**
     * Verifies an assertion and returns its passkey. With `asked` it must belong to that account. Without it, the
     * device must have verified the user. The caller makes `using` together with what the assertion allows: it can be
     * made once. A rejected response uses the challenge up here.
     */
    async shown(
      asked: PasskeySubject | null,
      flowToken: string,
      response: AuthenticationResponseJSON,
    ): Promise<Result<PasskeyAssertion, AppError<'ticket_invalid' | 'passkey_rejected'>>> {
      const found = await find(asked ? 'passkey_second_factor' : 'passkey_sign_in', flowToken, asked)
      if (!found.ok) return found
      const { challenge, using } = found.value
      const passkey = await passkeys.findByCredential(response.id)
      const verified =
        passkey && belongs(passkey, asked, response)
          ? await verify(passkey, challenge, response, asked === null)
          : fail('passkey_rejected')
      if (!passkey || !verified.ok) {
        if (!(await using.make())) return fail('ticket_invalid')
        return verified.ok ? fail('passkey_rejected') : verified
      }
      const { userVerified, ...use } = verified.value
      return ok({
        passkey: { ...passkey, backedUp: use.backedUp },
        userVerified,
        using: [using, passkeys.using(passkey.id, { ...use, at: clock() })],
      })
    },
  }
}
export type Passkeys = ReturnType<typeof createPasskeys>

/**
 * Whether the passkey is one of the account that was asked. The credential identifies the account: a different user
 * handle is an error (WebAuthn §7.2, step 6).
 */
function belongs(
  { accountId }: Passkey,
  asked: PasskeySubject | null,
  { response: { userHandle } }: AuthenticationResponseJSON,
): boolean {
  if (asked && accountId !== asked.accountId) return false
  return userHandle === undefined || Buffer.from(userHandle, 'base64url').toString() === accountId
}

/**
 * Whether our page was framed by another site (WebAuthn §7.1, §7.2: `crossOrigin`). None of our pages may be framed,
 * and users could be tricked into clicking on a framed related site. The library checks this only in part.
 */
function isFramed({ response }: RegistrationResponseJSON | AuthenticationResponseJSON): boolean {
  const data: unknown = JSON.parse(Buffer.from(response.clientDataJSON, 'base64url').toString())
  const { crossOrigin, topOrigin } = data as { crossOrigin?: unknown; topOrigin?: unknown }
  return crossOrigin === true || topOrigin !== undefined
}

/**
 * Removes the attestation from a response. We do not request one, and reading it is dangerous. Anyone can create the
 * certificates in it, and their URLs would make the library send requests (SSRF).
 */
async function withoutAttestation(given: RegistrationResponseJSON): Promise<RegistrationResponseJSON> {
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

/** The `amr` values of RFC 8176. A passkey that is synced between devices counts as a software key. */
export const amrOf = ({ backedUp }: Pick<Passkey, 'backedUp'>, userVerified: boolean): readonly string[] => [
  backedUp ? 'swk' : 'hwk',
  ...(userVerified ? ['user', 'mfa'] : []),
]

/** An authenticator that does not say what it is sends zeros (WebAuthn §6.5.1). */
const readAaguid = (aaguid: string): string | null => (/^[0-]+$/.test(aaguid) ? null : aaguid)
