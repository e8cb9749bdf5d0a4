import { and, asc, desc, eq, getTableColumns, or } from 'drizzle-orm'
import type { PersonalDataStore, Row } from '../accounts/ports.ts'
import { accountColumns } from './accounts.ts'
import type { Change } from './change.ts'
import { type Driver, step } from './driver.ts'
import { guessKeys } from './guesses.ts'

export function personalDataStore({ tables: t }: Driver, change: Change): PersonalDataStore {
  // Secrets, their hashes and whatever else would let its finder in stay here: somebody may leave the file lying about.
  const { cookieHash: _1, ...sessions } = getTableColumns(t.sessions)
  const { hash: _2, ...passwords } = getTableColumns(t.passwords)
  const { secret: _3, lastStep: _4, ...totpFactors } = getTableColumns(t.totpFactors)
  const { codeHash: _5, ...recoveryCodes } = getTableColumns(t.recoveryCodes)
  const { id, purpose, email, createdAt, expiresAt, usedAt } = getTableColumns(t.tickets)
  const { secret: _6, params: _7, lastError: _8, ...mails } = getTableColumns(t.mails)
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
  const { ordinal: _20, ...audit } = getTableColumns(t.audit)
  const { ticketHash: _21, codeChallenge: _22, proof: _23, ...pendingSignIns } = getTableColumns(t.pendingSignIns)
  const { secretHash: _24, emailKey: _25, ...invitations } = getTableColumns(t.teamInvitations)
  const { id: flowId, provider, intent, redirectUri, returnTo, createdAt: begunAt } = getTableColumns(t.flows)

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
        for (const key of guessKeys(accountId, devices))
          guesses.push(...(yield* step(tx.select().from(t.guesses).where(eq(t.guesses.key, key)))))
        return {
          account,
          identities,
          sessions: yield* step(
            tx
              .select(sessions)
              .from(t.sessions)
              .where(eq(t.sessions.accountId, accountId))
              .orderBy(desc(t.sessions.createdAt), desc(t.sessions.id)),
          ),
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
          // A public key proves nothing to whoever has it.
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
              .from(t.flows)
              .where(eq(t.flows.accountId, accountId))
              .orderBy(asc(t.flows.id)),
          ),
          grants: granted,
          revocations: yield* step(
            tx
              .select(revocations)
              .from(t.revocations)
              .where(eq(t.revocations.accountId, accountId))
              .orderBy(asc(t.revocations.id)),
          ),
          guesses,
          serviceCredentials: yield* step(
            tx
              .select({ id: t.serviceCredentials.id, name: t.serviceCredentials.name })
              .from(t.serviceCredentials)
              .where(eq(t.serviceCredentials.createdBy, accountId))
              .orderBy(asc(t.serviceCredentials.id)),
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
          activity: yield* step(
            tx
              .select(audit)
              .from(t.audit)
              .where(eq(t.audit.accountId, accountId))
              .orderBy(desc(t.audit.at), desc(t.audit.ordinal), desc(t.audit.id)),
          ),
        }
      }),
  }
}
