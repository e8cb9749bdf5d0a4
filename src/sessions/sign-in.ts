import { type AppError, fail } from '../errors/catalogue.ts'
import type { Action, Fact, Origin } from '../events/catalogue.ts'
import type { Account, Role } from '../kernel/account.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { sha256 } from '../kernel/crypto.ts'
import { type Ids, type Random, secretToken } from '../kernel/ids.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { PendingSignIn, PendingSignInStore, Proof, Session, SessionStore } from './ports.ts'
import { nextStep } from './steps.ts'

export type Lifetimes = { readonly refreshTtlSeconds: number; readonly refreshAbsoluteTtlSeconds: number }

/** On which device, and where to afterwards. */
export type SignInRequest = {
  readonly origin: Origin
  /** Whether it ends in a cookie. */
  readonly browser: boolean
  /** The session the browser has so far: it ends. */
  readonly replaces: string | null
  readonly returnTo: string | null
  readonly codeChallenge: string | null
  /** When it was proven, if not just now. */
  readonly provenAt?: Date
}

/**
 * `cookie` is the browser's session secret: only its hash is kept. Absent for an app. `device` is what a browser that is
 * not known yet is to be known by.
 */
export type NewSession = { readonly session: Session; readonly cookie: string | null; readonly device: string | null }

/** Somebody is in, whichever way, and goes on to where they wanted to. */
export type SignedIn = NewSession & {
  readonly account: Account
  readonly action: Action
  readonly provider: string
  readonly providerUserId: string
  readonly onward: Pick<SignInRequest, 'returnTo' | 'codeChallenge'>
}

/** Where an account was before: see `credentials/trusted-devices.ts`. */
export type Familiarity = {
  isNew(accountId: string, origin: Origin, browser: boolean): Promise<boolean>
  /** Answers the secret a browser is to keep, `null` where it has one. */
  trust(accountId: string, sessionId: string, origin: Origin): Promise<string | null>
}
export type SignInFailureCode =
  | 'user_disabled'
  | 'email_unverified'
  | 'second_factor_required'
  | 'sign_in_overtaken'
  | 'return_to_not_allowed'
type CompleteCode = Exclude<SignInFailureCode, 'second_factor_required'>

/** How long somebody may look for their second factor, in seconds. */
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
  /** Whether a browser may still be sent where the sign-in was begun for. */
  mayReturn: (onward: Pick<SignInRequest, 'returnTo' | 'codeChallenge'>) => boolean
  /** Whether people may still sign in with a provider. */
  isEnabled: (provider: string) => boolean
  /** What a role allows, as a session carries it; nothing where it is not given. */
  scopeOf?: (role: Role) => string
}

/**
 * Where every proof ends: whatever was proven, it is decided here whether it is enough, and no step before knows of
 * another.
 */
export function createSignIn(parts: SignInParts) {
  const { sessions, pendingSignIns, clock, ids, random, lifetimes, requireVerifiedEmail } = parts
  const { familiarity, mayReturn, isEnabled, scopeOf = () => '' } = parts

  /**
   * Starts the session, with a new secret always: one that was set before the sign-in would let whoever set it in
   * (session fixation, ASVS 7.2.4). The session the browser had ends in the same transaction.
   */
  const start = async (
    accountId: string,
    { opener, provider, action, amr }: Proof,
    { origin, browser, replaces, codeChallenge, provenAt }: Omit<SignInRequest, 'returnTo'>,
  ): Promise<Result<NewSession, AppError<'sign_in_overtaken'>>> => {
    // An app on another origin has its session in no cookie of ours, but its person stands before this browser.
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
      },
      [
        { name: 'authentication.succeeded', accountId, origin, data: { provider, action, session: session.id } },
        ...(isNew ? [{ name: 'device.new', accountId, origin, data: { session: session.id, provider } } as const] : []),
      ] satisfies readonly Fact[],
    )
    if (!started) return fail('sign_in_overtaken')
    const device = inBrowser ? await familiarity.trust(accountId, session.id, origin) : null
    return ok({ session: { ...session, scope }, cookie, device })
  }

  /**
   * Why a sign-in that waits cannot be finished any more, whatever is shown; `null` when it can. What was checked when it
   * began is checked again, by the settings there are now: where it goes on to, its provider, and what the account needs.
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
     * Somebody proved something: they are in, or refused. `second_factor_required` brings a `second_factor_ticket` that
     * remembers what they have proven, for ten minutes; `sign_in_overtaken` says that what they proved it with was taken
     * away meanwhile.
     */
    async proceed(
      account: Account,
      proof: Proof,
      entering: SignInRequest,
    ): Promise<Result<NewSession, AppError<SignInFailureCode>>> {
      if (!mayReturn(entering)) return fail('return_to_not_allowed')
      const step = nextStep({ account, amr: proof.amr, policy: { requireVerifiedEmail } })
      if (step === 'user_disabled' || step === 'email_unverified') return fail(step)
      if (step === 'enter') return start(account.id, proof, entering)
      const ticket = secretToken(random)
      const at = clock()
      const { browser, replaces, returnTo, codeChallenge, provenAt = at } = entering
      await pendingSignIns.begin({
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
      })
      return fail('second_factor_required', undefined, {
        extra: { second_factor_ticket: ticket, expires_in: waitSeconds },
      })
    },

    /** The sign-in a ticket stands for, while it waits. */
    pending: (ticket: string): Promise<PendingSignIn | undefined> => pendingSignIns.find(sha256(ticket), clock()),

    refusal,

    /**
     * The second factor was shown, `by` whatever RFC 8176 calls it. Once: of two at the same time one is
     * `sign_in_overtaken`. Freshness counts from the first proof.
     */
    async complete(
      pending: PendingSignIn,
      account: Account,
      by: readonly string[],
      origin: Origin,
    ): Promise<Result<NewSession, AppError<CompleteCode>>> {
      const refused = refusal(pending, account)
      if (refused) return { ok: false, error: refused }
      if (!(await pendingSignIns.claim(pending.id, clock()))) return fail('sign_in_overtaken')
      const { accountId, proof, browser, replaces, codeChallenge, provenAt } = pending
      const amr = [...new Set([...proof.amr, ...by, 'mfa'])]
      return start(accountId, { ...proof, amr }, { origin, browser, replaces, codeChallenge, provenAt })
    },
  }
}
export type SignIn = ReturnType<typeof createSignIn>
