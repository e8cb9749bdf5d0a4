import { type AppError, fail } from '../errors/catalogue.ts'
import type { Action, Fact, Origin } from '../events/catalogue.ts'
import type { Account, Role } from '../kernel/account.ts'
import { whenBusy } from '../kernel/busy.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { sha256 } from '../kernel/crypto.ts'
import { type Ids, type Random, secretToken } from '../kernel/ids.ts'
import type { PreparedChange } from '../kernel/prepared-change.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { PendingSignIn, PendingSignInStore, Proof, Session, SessionStore } from './ports.ts'
import { nextStep } from './steps.ts'

export type Lifetimes = { readonly refreshTtlSeconds: number; readonly refreshAbsoluteTtlSeconds: number }

/** The device of a sign-in, and where it continues. */
export type SignInRequest = {
  readonly origin: Origin
  /** Whether the browser gets a session cookie. */
  readonly browser: boolean
  /** The current session of the browser, which ends. */
  readonly replaces: string | null
  readonly returnTo: string | null
  readonly codeChallenge: string | null
  /** When the first proof was given, if not now. */
  readonly provenAt?: Date
}

/**
 * `cookie` is the secret of the browser's session, of which only a hash is stored. Absent for an app. `device` is the
 * secret by which a new browser is recognized later.
 */
export type NewSession = { readonly session: Session; readonly cookie: string | null; readonly device: string | null }

/** A completed sign-in, by any method, and where it continues. */
export type SignedIn = NewSession & {
  readonly account: Account
  readonly action: Action
  readonly provider: string
  readonly providerUserId: string
  readonly onward: Pick<SignInRequest, 'returnTo' | 'codeChallenge'>
}

/** Whether an account has used this device before: see `credentials/trusted-devices.ts`. */
export type Familiarity = {
  isNew(accountId: string, origin: Origin, browser: boolean): Promise<boolean>
  /** Returns the secret for a browser to keep; `null` if it has one. */
  trust(accountId: string, sessionId: string, origin: Origin): Promise<string | null>
}
export type SignInFailureCode =
  | 'user_disabled'
  | 'email_unverified'
  | 'second_factor_required'
  | 'sign_in_overtaken'
  | 'return_to_not_allowed'
/** A verified second factor: its methods (RFC 8176), and what uses it up. */
export type SecondFactor = { readonly by: readonly string[]; readonly using: readonly PreparedChange[] }
type CompleteCode = Exclude<SignInFailureCode, 'second_factor_required'>

/** How long the second factor may take, in seconds. */
const waitSeconds = 600

type SignInParts = {
  sessions: SessionStore
  pendingSignIns: PendingSignInStore
  clock: Clock
  ids: Ids
  random: Random
  lifetimes: Lifetimes
  requireVerifiedEmail: boolean
  familiarity: Familiarity
  /** Whether a browser may still be sent to where this sign-in should end. */
  mayReturn: (onward: Pick<SignInRequest, 'returnTo' | 'codeChallenge'>) => boolean
  /** Whether a provider is enabled. */
  isEnabled: (provider: string) => boolean
  /** The scopes of a role, as stored in a session. Without it, none. */
  scopeOf?: (role: Role) => string
}

/** The last step of every sign-in method. It decides whether the proof is sufficient; no other step knows about it. */
export function createSignIn(parts: SignInParts) {
  const { sessions, pendingSignIns, clock, ids, random, lifetimes, requireVerifiedEmail } = parts
  const { familiarity, mayReturn, isEnabled, scopeOf = () => '' } = parts

  /**
   * Starts the session, always with a new secret: otherwise, an attacker who set the old one would be signed in
   * (session fixation, ASVS 7.2.4). The browser's previous session ends in the same transaction.
   */
  const start = async (
    accountId: string,
    { opener, provider, action, amr }: Proof,
    { origin, browser, replaces, codeChallenge, provenAt }: Omit<SignInRequest, 'returnTo'>,
    including: readonly PreparedChange[],
  ): Promise<Result<NewSession, AppError<'sign_in_overtaken'>>> => {
    // An app on another origin gets no cookie of ours, but its user is in this browser.
    const inBrowser = browser || codeChallenge !== null
    const isNew = await familiarity.isNew(accountId, origin, inBrowser)
    const at = clock()
    const cookie = browser ? secretToken(random) : null
    const identityId = opener.tag === 'identity' ? opener.id : null
    const session: Session = {
      id: ids('ses'),
      accountId,
      identityId,
      provider: identityId === null ? null : provider,
      name: null,
      amr,
      scope: '',
      authTime: provenAt ?? at,
      createdAt: at,
      lastSeenAt: at,
      ip: origin.ip,
      userAgent: origin.userAgent,
      generation: 1,
      rotatedAt: at,
      usedGeneration: 0,
      idleExpiresAt: secondsAfter(at, lifetimes.refreshTtlSeconds),
      absoluteExpiresAt: secondsAfter(at, lifetimes.refreshAbsoluteTtlSeconds),
      endedAt: null,
      endReason: null,
    }
    let scope = ''
    const started = await sessions.start(
      session,
      {
        opener,
        cookieHash: cookie === null ? null : sha256(cookie),
        replaces,
        scopeOf: (role) => {
          scope = scopeOf(role)
          return scope
        },
        including,
      },
      [
        { name: 'authentication.succeeded', accountId, origin, data: { provider, action, session: session.id } },
        ...(isNew ? [{ name: 'device.new', accountId, origin, data: { session: session.id, provider } } as const] : []),
      ] satisfies readonly Fact[],
    )
    if (!started) return fail('sign_in_overtaken')
    // The session has started and has replaced the previous one: a refusal now would sign the person out.
    const device = inBrowser ? await familiarity.trust(accountId, session.id, origin).catch(whenBusy(null)) : null
    return ok({ session: { ...session, scope }, cookie, device })
  }

  /**
   * Why a pending sign-in can no longer be completed, regardless of the second factor; `null` if it can. It checks
   * again with the current settings: where the sign-in continues, its provider, and what the account requires.
   */
  const refusal = (pending: PendingSignIn, account: Account): AppError<CompleteCode> | null => {
    if (!mayReturn(pending)) return fail('return_to_not_allowed').error
    const { opener, provider, amr } = pending.proof
    if (opener.tag === 'identity' && !isEnabled(provider)) return fail('sign_in_overtaken').error
    const step = nextStep({ account, amr: [...amr, 'mfa'], policy: { requireVerifiedEmail } })
    return step === 'user_disabled' || step === 'email_unverified' ? fail(step).error : null
  }

  return {
    /**
     * Handles a proof: starts a session, or refuses. `second_factor_required` has a `second_factor_ticket`, which
     * stores the proof for ten minutes. `sign_in_overtaken`: the credential was removed during the sign-in.
     *
     * `learned` is what the sign-in method itself has to store, such as that a proof was used. It is stored whatever the
     * decision is: in the transaction that starts the session or stores the proof, or alone. Only with
     * `sign_in_overtaken`, nothing is stored.
     */
    async proceed(
      account: Account,
      proof: Proof,
      entering: SignInRequest,
      learned: readonly PreparedChange[] = [],
    ): Promise<Result<NewSession, AppError<SignInFailureCode>>> {
      const step = mayReturn(entering)
        ? nextStep({ account, amr: proof.amr, policy: { requireVerifiedEmail } })
        : 'return_to_not_allowed'
      if (step === 'enter') return start(account.id, proof, entering, learned)
      if (step !== 'second_factor') {
        for (const one of learned) if (!(await one.make())) return fail('sign_in_overtaken')
        return fail(step)
      }
      const ticket = secretToken(random)
      const at = clock()
      const { browser, replaces, returnTo, codeChallenge, provenAt = at } = entering
      const pending = {
        id: ids('psi'),
        ticketHash: sha256(ticket),
        accountId: account.id,
        proof,
        browser,
        replaces,
        returnTo,
        codeChallenge,
        provenAt,
        expiresAt: secondsAfter(at, waitSeconds),
        claimedAt: null,
      }
      if (!(await pendingSignIns.begin(pending, learned))) return fail('sign_in_overtaken')
      return fail('second_factor_required', undefined, {
        extra: { second_factor_ticket: ticket, expires_in: waitSeconds },
      })
    },

    /** The pending sign-in of a ticket. */
    pending: (ticket: string): Promise<PendingSignIn | undefined> => pendingSignIns.find(sha256(ticket), clock()),

    refusal,

    /**
     * Completes a pending sign-in after the second factor; `by` has its methods (RFC 8176). It works once: of two
     * concurrent calls, one gets `sign_in_overtaken`. `using` uses the second factor up, if the session starts. The
     * session counts as fresh from the first proof.
     */
    async complete(
      pending: PendingSignIn,
      account: Account,
      { by, using }: SecondFactor,
      origin: Origin,
    ): Promise<Result<NewSession, AppError<CompleteCode>>> {
      const refused = refusal(pending, account)
      if (refused) return { ok: false, error: refused }
      const { accountId, proof, browser, replaces, codeChallenge, provenAt } = pending
      const amr = [...new Set([...proof.amr, ...by, 'mfa'])]
      const claiming = pendingSignIns.claiming(pending.id, clock())
      const request = { origin, browser, replaces, codeChallenge, provenAt }
      return start(accountId, { ...proof, amr }, request, [claiming, ...using])
    },
  }
}
export type SignIn = ReturnType<typeof createSignIn>
