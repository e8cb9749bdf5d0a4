import { type AppError, fail } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import type { Action, Fact, Origin } from '../events/catalogue.ts'
import { type Account, type IdentityUse, noMetadata } from '../kernel/account.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Email, readEmail } from '../kernel/email.ts'
import type { Ids } from '../kernel/ids.ts'
import type { Locale } from '../kernel/locale.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Claims, Grant } from '../providers/provider.ts'
import { type Decision, decide, type Evidence, type Namesakes, provenEmails } from './decide.ts'
import type { AccountStore, Identity, LinkCondition } from './ports.ts'

/** `identity` has what the provider reports now. The vault stores that together with the grant (`Vault.keep`). */
export type Reconciled = { readonly account: Account; readonly identity: Identity; readonly action: Action }

export type ReconcileCode =
  | 'identity_already_linked'
  | 'user_disabled'
  | 'user_creation_disabled'
  | 'account_conflict'
  | 'account_linking_failed'
  | 'too_many_identities'

/** The question for reconciliation: whose grant is this? */
export type ReconcileRequest = {
  readonly grant: Grant
  readonly providerName: string
  readonly trusted: boolean
  /** The same for the other addresses that the provider has verified. */
  readonly othersTrusted?: boolean
  readonly origin: Origin
  /** The signed-in account that asked to link. */
  readonly visitorId?: string
  /** The session that asked. It must still be alive when the link is stored. */
  readonly sessionId?: string
  /** The expected identity, which is already linked. No other is accepted or linked. */
  readonly identityId?: string
  /** After a conflict: the user chose a separate account, or proved the existing one. */
  readonly resolving?: 'link' | 'create'
}

type ReconcileParts = { accounts: AccountStore; events: Bus; clock: Clock; ids: Ids; policy: Evidence['policy'] }

/**
 * Finds the account of an identity: gathers the evidence, decides (purely), and performs one atomic write. If a
 * concurrent request was faster, it gathers the evidence and decides again. No race creates a second account or loses a
 * link.
 */
export function createReconcile({ accounts, events, clock, ids, policy }: ReconcileParts) {
  const gather = (question: ReconcileRequest) => gatherEvidence({ accounts, policy }, question)

  /**
   * Proving an address makes it the account's own, also at a later sign-in: the provider may now verify what was only
   * claimed before.
   */
  const proveOwnEmail = async (account: Account, question: ReconcileRequest, at: Date): Promise<Account> => {
    if (account.emailVerified) return account
    const { grant, origin } = question
    const email = provenOwnEmail(account, question)
    if (!email) return account
    const verified: Fact = {
      name: 'account.email_verified',
      accountId: account.id,
      origin,
      data: { provider: grant.provider },
    }
    return (await accounts.proveEmail(account.id, email, at, [verified]))
      ? { ...account, emailVerified: true }
      : account
  }

  /**
   * Performs one write. Returns `undefined` if something changed since the evidence was gathered: gather and decide
   * again.
   */
  const perform = async (
    decision: Exclude<Decision, { tag: 'ask' | 'refuse' }>,
    known: Identity | undefined,
    question: ReconcileRequest,
  ): Promise<Reconciled | 'too_many_identities' | undefined> => {
    const { grant, origin } = question
    const at = clock()
    if (decision.tag === 'enter') {
      if (!known) return undefined
      const use = whatTheProviderSaid(grant, at, known)
      // Otherwise it is stored with the tokens of this sign-in, in one transaction instead of two.
      if (grant.tokens === null) await accounts.recordUse(known.id, use, [])
      const account = await proveOwnEmail(decision.account, question, at)
      return { account, identity: { ...known, ...use }, action: 'login_existing' }
    }
    if (decision.tag === 'link') {
      const identity = newIdentity(ids('idn'), decision.account.id, grant, at)
      const how = question.resolving === 'link' ? 'conflict' : decision.how
      const linked: Fact = {
        name: 'identity.linked',
        accountId: decision.account.id,
        origin,
        data: { provider: grant.provider, identity: identity.id, how },
      }
      const outcome = await accounts.link(
        identity,
        provenOwnEmail(decision.account, question) ?? null,
        [linked],
        restsOn(decision, question),
      )
      if (outcome !== true) return outcome === false ? undefined : outcome
      const account = (await accounts.find(decision.account.id)) ?? decision.account
      return { account, identity, action: how === 'on_purpose' ? 'linked_new' : 'linked_existing' }
    }
    const account = newAccount(ids('usr'), grant.claims, decision, origin.locale ?? null, at)
    const identity = newIdentity(ids('idn'), account.id, grant, at)
    const created: Fact = { name: 'account.created', accountId: account.id, origin, data: { via: grant.provider } }
    if (!(await accounts.create(account, identity, { separate: question.resolving === 'create' }, [created])))
      return undefined
    return { account, identity, action: 'created_new_user' }
  }

  const settle = async (question: ReconcileRequest): Promise<Result<Reconciled, AppError<ReconcileCode>>> => {
    const provider = question.providerName
    for (let attempt = 0; attempt < 5; attempt++) {
      const { evidence, known } = await gather(question)
      // A link is only added to the account that asked for it. If that account is gone, creating another would be
      // wrong.
      if (question.visitorId !== undefined && !evidence.visitor) return fail('account_linking_failed')
      if (question.identityId !== undefined && known?.id !== question.identityId) return fail('account_linking_failed')
      const decision = decide(evidence)
      if (decision.tag === 'ask') return fail('account_conflict', { provider })
      if (decision.tag === 'refuse')
        return decision.code === 'identity_already_linked' ? fail(decision.code, { provider }) : fail(decision.code)
      const done = await perform(decision, known, question)
      if (done === 'too_many_identities') return fail(done)
      if (done) return ok(done)
    }
    return fail('account_linking_failed')
  }

  return (question: ReconcileRequest): Promise<Result<Reconciled, AppError<ReconcileCode>>> =>
    events.span(
      'oauth.account_reconciliation',
      { provider: question.grant.provider },
      () => settle(question),
      ({ action }) => ({ action_taken: action }),
      question.origin,
    )
}
export type Reconcile = ReturnType<typeof createReconcile>

type Question = Pick<ReconcileRequest, 'grant' | 'trusted' | 'othersTrusted' | 'visitorId' | 'resolving'>

/** The evidence; and `known`, the identity itself if it is already linked. */
async function gatherEvidence(
  { accounts, policy }: Pick<ReconcileParts, 'accounts' | 'policy'>,
  { grant, trusted, othersTrusted = false, visitorId, resolving }: Question,
): Promise<{ evidence: Evidence; known: Identity | undefined }> {
  const [owner, visitor] = await Promise.all([
    accounts.findByIdentity(grant.issuer, grant.claims.subject),
    visitorId === undefined ? undefined : accounts.find(visitorId),
  ])
  // Who has the address matters only for an unknown identity.
  const { primary: namesakes, others } = owner ? noNamesakes : await findNamesakes(accounts, grant.claims)
  // These are three reads. A second click of the same user may have created the account in between: it is theirs, so
  // there is no conflict.
  const everybody = [namesakes, ...others.map((other) => other.namesakes)].flat()
  const [justOpened] = everybody.flatMap(({ account, identities }) =>
    identities
      .filter(({ issuer, subject }) => issuer === grant.issuer && subject === grant.claims.subject)
      .map((identity) => ({ account, identity })),
  )
  const found = owner ?? justOpened
  const evidence: Evidence = {
    provider: grant.provider,
    claims: grant.claims,
    trusted,
    owner: found?.account,
    namesakes,
    others,
    othersTrusted,
    visitor,
    policy,
    separate: resolving === 'create',
  }
  return { evidence, known: found?.identity }
}

/** What a sign-in would do, decided on the same evidence. Nothing is written. */
export const createForecast =
  (parts: Pick<ReconcileParts, 'accounts' | 'policy'>) =>
  async (question: Pick<ReconcileRequest, 'grant' | 'trusted' | 'othersTrusted'>): Promise<Decision> =>
    decide((await gatherEvidence(parts, question)).evidence)
export type Forecast = ReturnType<typeof createForecast>

/** The conditions that the decision to link relied on. */
function restsOn(
  decision: Extract<Decision, { tag: 'link' }>,
  { sessionId }: ReconcileRequest,
): LinkCondition | undefined {
  if (decision.how === 'on_purpose') return sessionId === undefined ? undefined : { tag: 'signed_in', sessionId }
  const email = readEmail(decision.email)
  return email && { tag: decision.how === 'invitation' ? 'invited' : 'holds_address', email }
}

/** The account's own address, if this sign-in proves it. */
function provenOwnEmail(account: Account, { grant, trusted, othersTrusted }: ReconcileRequest): Email | undefined {
  const own = account.email === null ? undefined : readEmail(account.email)
  return provenEmails(grant.claims, trusted, othersTrusted)
    .map(readEmail)
    .find((email) => email !== undefined && email.key === own?.key)
}

/** Who has or claims each reported address, without duplicates, and the primary one separately. */
export async function findNamesakes(
  accounts: Pick<AccountStore, 'findByEmail'>,
  { email, otherEmails = [] }: Claims,
): Promise<{
  readonly primary: Namesakes
  readonly others: readonly { readonly email: string; readonly namesakes: Namesakes }[]
}> {
  const first = email === null ? undefined : readEmail(email)
  const more = new Map(otherEmails.flatMap((text) => readEmail(text) ?? []).map((one) => [one.key, one.address]))
  if (first) more.delete(first.key)
  const [primary, others] = await Promise.all([
    first ? accounts.findByEmail(first.key) : [],
    Promise.all(
      [...more].map(async ([key, address]) => ({ email: address, namesakes: await accounts.findByEmail(key) })),
    ),
  ])
  return { primary, others: others.filter(({ namesakes }) => namesakes.length > 0) }
}
const noNamesakes = { primary: [], others: [] } as const

/**
 * What to store about the identity. A name that is missing now was not removed: Apple sends it only once. Without tokens
 * nothing is known about the granted scopes.
 */
function whatTheProviderSaid({ claims, tokens }: Grant, at: Date, known?: Identity): IdentityUse {
  const email = claims.email === null ? undefined : readEmail(claims.email)
  return {
    email: email?.address ?? null,
    emailVerified: claims.emailVerified && email !== undefined,
    name: claims.name ?? known?.name ?? null,
    picture: claims.picture,
    scopes: (tokens ?? known)?.scopes ?? [],
    lastUsedAt: at,
  }
}

function newIdentity(id: string, accountId: string, grant: Grant, at: Date): Identity {
  return {
    id,
    accountId,
    provider: grant.provider,
    issuer: grant.issuer,
    subject: grant.claims.subject,
    linkedAt: at,
    ...whatTheProviderSaid(grant, at),
  }
}

function newAccount(
  id: string,
  claims: Claims,
  { emailVerified, withoutEmail }: Extract<Decision, { tag: 'create' }>,
  locale: Locale | null,
  at: Date,
): Account {
  const email = claims.email === null || withoutEmail ? undefined : readEmail(claims.email)
  return {
    id,
    email: email?.address ?? null,
    emailVerified: emailVerified && email !== undefined,
    name: claims.name,
    picture: claims.picture,
    role: 'user',
    locale,
    timeZone: null,
    metadata: noMetadata,
    secondFactorAt: null,
    disabledAt: null,
    createdAt: at,
    updatedAt: at,
  }
}
