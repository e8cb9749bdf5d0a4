import { and, asc, desc, eq, getTableColumns, lt, or } from 'drizzle-orm'
import type { PersonalDataStore, Row } from '../accounts/ports.ts'
import { outsideLimit } from '../kernel/limit.ts'
import { accountColumns } from './accounts.ts'
import type { Change } from './change.ts'
import { type Driver, step } from './driver.ts'
import { endedAtOf } from './endings.ts'
import { guessKeys } from './guesses.ts'
import { compareRow } from './row-value.ts'

/** How many rows are in memory at once. */
const pageRows = 500

/** Reads one page after another, each starting after the last row of the previous one. */
async function* pages<R extends Row>(
  page: (last: R | undefined) => Promise<readonly R[]>,
): AsyncGenerator<readonly R[]> {
  for (let last: R | undefined; ; ) {
    // All pages together may exceed the time limit of a request; each page has a limit of its own.
    const rows = await outsideLimit(() => page(last))
    if (rows.length > 0) yield rows
    last = rows.at(-1)
    if (rows.length < pageRows || last === undefined) return
  }
}

export function personalDataStore({ db, readLong, tables: t }: Driver, change: Change): PersonalDataStore {
  // Leaves out secrets, their hashes and anything else that would let a finder of the file sign in. People leave such
  // files lying around.
  const { cookieHash: _1, ...storedSessions } = getTableColumns(t.sessions)
  const sessions = { ...storedSessions, endedAt: endedAtOf(t) }
  const { hash: _2, ...passwords } = getTableColumns(t.passwords)
  const { secret: _3, lastStep: _4, ...totpFactors } = getTableColumns(t.totpFactors)
  const { codeHash: _5, ...recoveryCodes } = getTableColumns(t.recoveryCodes)
  const { id, purpose, email, createdAt, expiresAt, usedAt } = getTableColumns(t.tickets)
  const { domain: _27, secret: _6, params: _7, lastError: _8, ...mails } = getTableColumns(t.mails)
  const { secretHash: _9, ...trustedDevices } = getTableColumns(t.trustedDevices)
  const { codeHash: _10, codeChallenge: _11, ...signInCodes } = getTableColumns(t.signInCodes)
  const {
    accessToken: _12,
    refreshToken: _13,
    leaseOwner: _14,
    leaseUntil: _15,
    fence: _16,
    ...grants
  } = getTableColumns(t.grants)
  const { accessToken: _17, refreshToken: _18, lastError: _19, ...revocations } = getTableColumns(t.revocations)
  const { ticketHash: _21, codeChallenge: _22, proof: _23, ...pendingSignIns } = getTableColumns(t.pendingSignIns)
  const { secretHash: _24, emailKey: _25, ...invitations } = getTableColumns(t.teamInvitations)
  const { lastError: _26, ...notices } = getTableColumns(t.logoutNotices)
  const {
    id: flowId,
    provider,
    intent,
    redirectUri,
    returnTo,
    createdAt: begunAt,
  } = getTableColumns(t.pendingAuthorizations)

  const sessionsAfter = (accountId: string) => (last: { readonly id: string } | undefined) =>
    readLong(
      db
        .select(sessions)
        .from(t.sessions)
        .where(and(eq(t.sessions.accountId, accountId), last && lt(t.sessions.id, last.id)))
        .orderBy(desc(t.sessions.id))
        .limit(pageRows),
    )
  const applicationSessionsAfter = (accountId: string) => (last: { readonly id: string } | undefined) =>
    readLong(
      db
        .select({ ...getTableColumns(t.applicationSessions), application: t.applications.name })
        .from(t.applicationSessions)
        .innerJoin(t.applications, eq(t.applications.id, t.applicationSessions.applicationId))
        .where(and(eq(t.applicationSessions.accountId, accountId), last && lt(t.applicationSessions.id, last.id)))
        .orderBy(desc(t.applicationSessions.id))
        .limit(pageRows),
    )
  const revocationsAfter =
    (accountId: string) => (last: { readonly createdAt: Date; readonly id: string } | undefined) => {
      const { accountId: account, createdAt: queuedAt, id: key } = t.revocations
      const older = (from: { readonly createdAt: Date; readonly id: string }) =>
        compareRow('<', [
          [account, accountId],
          [queuedAt, from.createdAt],
          [key, from.id],
        ])
      return readLong(
        db
          .select(revocations)
          .from(t.revocations)
          .where(and(eq(account, accountId), last && older(last)))
          .orderBy(desc(queuedAt), desc(key))
          .limit(pageRows),
      )
    }
  const noticesAfter = (accountId: string) => (last: { readonly id: string } | undefined) =>
    readLong(
      db
        .select(notices)
        .from(t.logoutNotices)
        .where(and(eq(t.logoutNotices.accountId, accountId), last && lt(t.logoutNotices.id, last.id)))
        .orderBy(desc(t.logoutNotices.id))
        .limit(pageRows),
    )
  const { at, ordinal, id: entryId } = t.audit
  type Entry = { readonly at: Date; readonly ordinal: number; readonly id: string }
  // With the account in it, this is a range of the account index only.
  const older = (accountId: string, last: Entry) =>
    compareRow('<', [
      [t.audit.accountId, accountId],
      [at, last.at],
      [ordinal, last.ordinal],
      [entryId, last.id],
    ])
  const activityAfter = (accountId: string) => (last: Entry | undefined) =>
    readLong(
      db
        .select(getTableColumns(t.audit))
        .from(t.audit)
        .where(and(eq(t.audit.accountId, accountId), last && older(accountId, last)))
        .orderBy(desc(at), desc(ordinal), desc(entryId))
        .limit(pageRows),
    )

  return {
    gather: (accountId, because) =>
      change(function* (tx, note) {
        const [account] = yield* step(
          tx
            .select({ ...accountColumns(t), emailKey: t.accounts.emailKey })
            .from(t.accounts)
            .where(eq(t.accounts.id, accountId)),
        )
        if (!account) return undefined
        yield* note(because)
        const identities = yield* step(
          tx
            .select()
            .from(t.identities)
            .where(eq(t.identities.accountId, accountId))
            .orderBy(asc(t.identities.linkedAt), asc(t.identities.id)),
        )
        const devices = yield* step(
          tx
            .select(trustedDevices)
            .from(t.trustedDevices)
            .where(eq(t.trustedDevices.accountId, accountId))
            .orderBy(asc(t.trustedDevices.id)),
        )
        const granted: Row[] = []
        for (const { provider: at, subject } of identities) {
          const mine = and(eq(t.grants.provider, at), eq(t.grants.subject, subject))
          granted.push(...(yield* step(tx.select(grants).from(t.grants).where(mine).orderBy(asc(t.grants.id)))))
        }
        const guesses: Row[] = []
        // One statement, whatever the number of devices: each text is prepared once, and kept.
        for (const key of guessKeys(accountId, devices))
          guesses.push(...(yield* step(tx.select().from(t.guesses).where(eq(t.guesses.key, key)))))
        return {
          account,
          identities,
          sessions: pages(sessionsAfter(accountId)),
          passwords: yield* step(tx.select(passwords).from(t.passwords).where(eq(t.passwords.accountId, accountId))),
          totpFactors: yield* step(
            tx.select(totpFactors).from(t.totpFactors).where(eq(t.totpFactors.accountId, accountId)),
          ),
          recoveryCodes: yield* step(
            tx
              .select(recoveryCodes)
              .from(t.recoveryCodes)
              .where(eq(t.recoveryCodes.accountId, accountId))
              .orderBy(asc(t.recoveryCodes.id)),
          ),
          // A public key is no secret.
          passkeys: yield* step(
            tx.select().from(t.passkeys).where(eq(t.passkeys.accountId, accountId)).orderBy(asc(t.passkeys.id)),
          ),
          trustedDevices: devices,
          tickets: yield* step(
            tx
              .select({ id, purpose, email, createdAt, expiresAt, usedAt })
              .from(t.tickets)
              .where(eq(t.tickets.accountId, accountId))
              .orderBy(asc(t.tickets.id)),
          ),
          mails: yield* step(
            tx.select(mails).from(t.mails).where(eq(t.mails.accountId, accountId)).orderBy(asc(t.mails.id)),
          ),
          pendingSignIns: yield* step(
            tx
              .select(pendingSignIns)
              .from(t.pendingSignIns)
              .where(eq(t.pendingSignIns.accountId, accountId))
              .orderBy(asc(t.pendingSignIns.id)),
          ),
          signInCodes: yield* step(
            tx
              .select(signInCodes)
              .from(t.signInCodes)
              .where(eq(t.signInCodes.accountId, accountId))
              .orderBy(asc(t.signInCodes.expiresAt), asc(t.signInCodes.sessionId)),
          ),
          flows: yield* step(
            tx
              .select({ id: flowId, provider, intent, redirectUri, returnTo, createdAt: begunAt })
              .from(t.pendingAuthorizations)
              .where(eq(t.pendingAuthorizations.accountId, accountId))
              .orderBy(asc(t.pendingAuthorizations.id)),
          ),
          grants: granted,
          revocations: pages(revocationsAfter(accountId)),
          guesses,
          serviceCredentials: yield* step(
            tx
              .select({ id: t.serviceCredentials.id, name: t.serviceCredentials.name })
              .from(t.serviceCredentials)
              .where(eq(t.serviceCredentials.createdBy, accountId))
              .orderBy(asc(t.serviceCredentials.id)),
          ),
          providers: yield* step(
            tx
              .select({ id: t.providers.id, createdAt: t.providers.createdAt, updatedAt: t.providers.updatedAt })
              .from(t.providers)
              .where(or(eq(t.providers.createdBy, accountId), eq(t.providers.updatedBy, accountId)))
              .orderBy(asc(t.providers.id)),
          ),
          providerVersions: yield* step(
            tx
              .select({
                provider: t.providerVersions.provider,
                version: t.providerVersions.version,
                createdAt: t.providerVersions.createdAt,
              })
              .from(t.providerVersions)
              .where(eq(t.providerVersions.author, accountId))
              .orderBy(asc(t.providerVersions.id)),
          ),
          applicationConsents: yield* step(
            tx
              .select({ ...getTableColumns(t.applicationConsents), application: t.applications.name })
              .from(t.applicationConsents)
              .innerJoin(t.applications, eq(t.applications.id, t.applicationConsents.applicationId))
              .where(eq(t.applicationConsents.accountId, accountId))
              .orderBy(asc(t.applicationConsents.id)),
          ),
          applicationSessions: pages(applicationSessionsAfter(accountId)),
          logoutNotices: pages(noticesAfter(accountId)),
          openidStates: yield* step(
            tx
              .select({ kind: t.openidStates.kind, createdAt: t.openidStates.createdAt })
              .from(t.openidStates)
              .where(eq(t.openidStates.accountId, accountId))
              .orderBy(asc(t.openidStates.id)),
          ),
          applications: yield* step(
            tx
              .select({ id: t.applications.id, name: t.applications.name })
              .from(t.applications)
              .where(eq(t.applications.createdBy, accountId))
              .orderBy(asc(t.applications.id)),
          ),
          registrationTokens: yield* step(
            tx
              .select({ id: t.registrationTokens.id, name: t.registrationTokens.name })
              .from(t.registrationTokens)
              .where(eq(t.registrationTokens.createdBy, accountId))
              .orderBy(asc(t.registrationTokens.id)),
          ),
          teamMembers: yield* step(
            tx
              .select({ ...getTableColumns(t.teamMembers), name: t.teams.name })
              .from(t.teamMembers)
              .innerJoin(t.teams, eq(t.teams.id, t.teamMembers.teamId))
              .where(eq(t.teamMembers.accountId, accountId))
              .orderBy(asc(t.teamMembers.joinedAt), asc(t.teamMembers.teamId)),
          ),
          teamInvitations: yield* step(
            tx
              .select(invitations)
              .from(t.teamInvitations)
              .where(
                or(
                  eq(t.teamInvitations.invitedBy, accountId),
                  account.emailVerified && account.emailKey !== null
                    ? eq(t.teamInvitations.emailKey, account.emailKey)
                    : undefined,
                ),
              )
              .orderBy(asc(t.teamInvitations.createdAt), asc(t.teamInvitations.id)),
          ),
          jiraIntegrations: yield* step(
            tx
              .select()
              .from(t.jiraIntegrations)
              .where(eq(t.jiraIntegrations.connectedBy, accountId))
              .orderBy(asc(t.jiraIntegrations.teamId)),
          ),
          activity: pages(activityAfter(accountId)),
        }
      }),
  }
}
