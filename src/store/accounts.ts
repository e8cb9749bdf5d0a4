import { and, asc, eq, getTableColumns, inArray, isNotNull, isNull, ne, sql } from 'drizzle-orm'
import type { AccountStore, Identity, LinkCondition, Namesake } from '../accounts/ports.ts'
import { internalOrigin } from '../events/catalogue.ts'
import { mostClaims } from '../kernel/account.ts'
import { readEmail } from '../kernel/email.ts'
import type { Ids } from '../kernel/ids.ts'
import { eraseAccount, eraseHistory, eraseRecentOrigins } from './account-rows.ts'
import { administratorsLock, isLastAdministrator } from './administrators.ts'
import { accountLock, type Change } from './change.ts'
import { addressLock, endClaims, holdersFirst, isClaimedBy, mostHolders, proveEmail } from './claims.ts'
import { type Driver, type Queries, type Script, step } from './driver.ts'
import { endingChange, isSignedIn, live, originForOtherAccounts, originOf, signedOut } from './endings.ts'
import type { Tables } from './schema.ts'
import { passwordFrom, signInMethodQueries, signInMethodsOf } from './sign-in-methods.ts'
import { endProofs } from './tickets.ts'
import { eraseGrants, eraseTokens, grantsOf } from './withdrawals.ts'

/** More identities than anyone needs. Lists of them have no pages, so their length must be bounded. */
const maxIdentities = 20

const keyOf = (address: string | null): string | null => (address === null ? null : (readEmail(address)?.key ?? null))

/**
 * The columns of an account that leave the store. The key for comparing email addresses stays inside; callers see only
 * whether the address is verified.
 */
export const accountColumns = ({ accounts }: Tables) => {
  const { emailKey, verifiedEmailKey, lastSignInHour, invitedAt, invitationExpiresAt, ...shown } =
    getTableColumns(accounts)
  return { ...shown, emailVerified: sql<boolean>`${verifiedEmailKey} is not null`.mapWith(Boolean) }
}

export function accountStore(driver: Driver, change: Change, ids: Ids): AccountStore {
  const { db, tables: t, read, reads } = driver
  const history = eraseHistory(driver, change, ids)
  const ending = endingChange(change, t)
  const columns = accountColumns(t)
  const byId = reads(
    db
      .select(columns)
      .from(t.accounts)
      .where(eq(t.accounts.id, sql.placeholder('id'))),
  )
  const byIdentity = reads(
    db
      .select({ account: columns, identity: getTableColumns(t.identities) })
      .from(t.identities)
      .innerJoin(t.accounts, eq(t.accounts.id, t.identities.accountId))
      .where(
        and(eq(t.identities.issuer, sql.placeholder('issuer')), eq(t.identities.subject, sql.placeholder('subject'))),
      ),
  )
  const identitiesOf = (tx: Queries, accountId: string) =>
    tx
      .select()
      .from(t.identities)
      .where(eq(t.identities.accountId, accountId))
      .orderBy(asc(t.identities.linkedAt), asc(t.identities.id))

  /**
   * Runs within the transaction, under the account's lock. Of two concurrent links with the same condition, the second
   * sees the first.
   */
  function* holds(tx: Queries, { accountId, provider, linkedAt }: Identity, provided: LinkCondition): Script<boolean> {
    if (provided.tag === 'signed_in') {
      const { sessionId } = provided
      return yield* isSignedIn(tx, t, { accountId, sessionId, at: linkedAt })
    }
    const holder = and(
      eq(t.accounts.id, accountId),
      provided.tag === 'invited'
        ? and(eq(t.accounts.emailKey, provided.email.key), isNotNull(t.accounts.invitedAt))
        : eq(t.accounts.verifiedEmailKey, provided.email.key),
      ne(t.accounts.role, 'administrator'),
    )
    const another = and(eq(t.identities.accountId, accountId), eq(t.identities.provider, provider))
    const held = yield* step(tx.select({ id: t.accounts.id }).from(t.accounts).where(holder))
    const others = yield* step(tx.select({ id: t.identities.id }).from(t.identities).where(another).limit(1))
    return held.length > 0 && others.length === 0
  }

  /**
   * Whether the account already has the maximum number of identities. It runs under the account's lock, like every
   * link. An identity that is already linked, even to this account a moment ago, never counts as one too many.
   */
  function* isFull(tx: Queries, { accountId, issuer, subject }: Identity): Script<boolean> {
    const ids = { id: t.identities.id }
    const held = tx.select(ids).from(t.identities).where(eq(t.identities.accountId, accountId)).limit(maxIdentities)
    if ((yield* step(held)).length < maxIdentities) return false
    const same = and(eq(t.identities.issuer, issuer), eq(t.identities.subject, subject))
    return (yield* step(tx.select(ids).from(t.identities).where(same))).length === 0
  }

  /** Queues the grants of an unlinked identity for revocation at the provider. */
  function* withdrawOwn(tx: Queries, identity: Identity, at: Date): Script<void> {
    yield* eraseGrants(tx, t, ids, ownGrants(identity), { accountId: identity.accountId, at })
  }

  const ownGrants = (identity: Identity) => grantsOf(t, identity)

  return {
    async find(id) {
      const [row] = await byId({ id })
      return row
    },

    async findByIdentity(issuer, subject) {
      const [row] = await byIdentity({ issuer, subject })
      return row
    },

    async findByEmail(emailKey) {
      const holders = db
        .select({ id: t.accounts.id })
        .from(t.accounts)
        .where(eq(t.accounts.emailKey, emailKey))
        .orderBy(...holdersFirst(t))
        .limit(mostHolders)
      const rows = await read(
        db
          .select({ account: columns, identity: getTableColumns(t.identities), invitedAt: t.accounts.invitedAt })
          .from(t.accounts)
          .leftJoin(t.identities, eq(t.identities.accountId, t.accounts.id))
          .where(inArray(t.accounts.id, holders))
          .orderBy(...holdersFirst(t), asc(t.identities.linkedAt), asc(t.identities.id)),
      )
      const found = new Map<string, Namesake & { identities: Identity[] }>()
      for (const { account, identity, invitedAt } of rows) {
        const entry = found.get(account.id) ?? { account, identities: [], isInvited: invitedAt !== null }
        if (identity) entry.identities.push(identity)
        found.set(account.id, entry)
      }
      return [...found.values()]
    },

    identitiesOf: (accountId) => read(identitiesOf(db, accountId)),
    async signInMethodsOf(accountId) {
      const ask = signInMethodQueries(db, t, accountId)
      const [identities, passwords, passkeys] = await Promise.all([
        read(ask.identities),
        read(ask.passwords),
        read(ask.passkeys),
      ])
      return { identities, password: passwordFrom(passwords), passkeys }
    },

    create: ({ emailVerified, ...account }, identity, { separate }, because) => {
      const emailKey = keyOf(account.email)
      const verifiedEmailKey = emailVerified ? emailKey : null
      return change(
        function* (tx, note) {
          const most = separate ? mostClaims : 1
          if (emailKey !== null && !(separate && emailVerified) && (yield* isClaimedBy(tx, t, emailKey, most)))
            return false
          const [opened] = yield* step(
            tx
              .insert(t.accounts)
              .values({ ...account, emailKey, verifiedEmailKey })
              .onConflictDoNothing()
              .returning({ id: t.accounts.id }),
          )
          if (!opened) return false
          const [linked] = yield* step(
            tx.insert(t.identities).values(identity).onConflictDoNothing().returning({ id: t.identities.id }),
          )
          if (!linked) {
            yield* step(tx.delete(t.accounts).where(eq(t.accounts.id, account.id)))
            return false
          }
          yield* note(because)
          if (verifiedEmailKey !== null)
            yield* endClaims(
              tx,
              t,
              note,
              ids,
              { key: verifiedEmailKey, by: account.id, at: account.createdAt },
              because,
            )
          return true
        },
        emailKey === null ? [] : [addressLock(emailKey)],
      )
    },

    link: (identity, proves, because, provided) =>
      change(
        function* (tx, note) {
          const [account] = yield* step(
            tx
              .select({ id: t.accounts.id })
              .from(t.accounts)
              .where(and(eq(t.accounts.id, identity.accountId), isNull(t.accounts.disabledAt))),
          )
          if (!account) return false
          if (provided && !(yield* holds(tx, identity, provided))) return false
          if (yield* isFull(tx, identity)) return 'too_many_identities'
          const [linked] = yield* step(
            tx.insert(t.identities).values(identity).onConflictDoNothing().returning({ id: t.identities.id }),
          )
          if (!linked) return false
          yield* endProofs(tx, t, identity.accountId)
          yield* note(because)
          if (proves !== null && (yield* proveEmail(tx, t, note, ids, account.id, proves, identity.linkedAt, because)))
            yield* note([
              {
                name: 'account.email_verified',
                data: { provider: identity.provider },
                accountId: account.id,
                origin: originOf(because),
              },
            ])
          return true
        },
        [
          accountLock(identity.accountId),
          ...(proves === null ? [] : [addressLock(proves.key)]),
          ...(provided === undefined || provided.tag === 'signed_in' ? [] : [addressLock(provided.email.key)]),
        ],
      ),

    proveEmail: (accountId, email, at, because) =>
      change(
        function* (tx, note) {
          if (!(yield* proveEmail(tx, t, note, ids, accountId, email, at, because))) return false
          yield* note(because)
          return true
        },
        [accountLock(accountId), addressLock(email.key)],
      ),

    recordUse: (id, use, because) =>
      change(function* (tx, note) {
        yield* step(tx.update(t.identities).set(use).where(eq(t.identities.id, id)))
        yield* note(because)
      }),

    unlink: ({ accountId, identityId, keepSession, at }, mayRemove, because) =>
      ending({ accountId, spare: keepSession, at }, internalOrigin)(
        function* (tx, note) {
          if (keepSession !== null && !(yield* isSignedIn(tx, t, { accountId, sessionId: keepSession, at })))
            return 'session_revoked'
          const methods = yield* signInMethodsOf(tx, t, accountId)
          const removed = methods.identities.find(({ id }) => id === identityId)
          if (!removed) return 'not_linked'
          if (!mayRemove({ ...methods, identities: methods.identities.filter((identity) => identity !== removed) }))
            return 'last_login_method'
          yield* step(tx.delete(t.identities).where(eq(t.identities.id, removed.id)))
          yield* endProofs(tx, t, accountId)
          const reasons = because(removed)
          yield* note(reasons)
          const ended = yield* step(
            tx
              .update(t.sessions)
              .set({ endedAt: at, endReason: 'identity_unlinked' })
              .where(
                and(
                  eq(t.sessions.accountId, accountId),
                  eq(t.sessions.identityId, removed.id),
                  keepSession === null ? undefined : ne(t.sessions.id, keepSession),
                  live(t, at),
                ),
              )
              .returning({ id: t.sessions.id }),
          )
          yield* note(signedOut(ended, 'identity_unlinked', accountId, originOf(reasons)))
          yield* withdrawOwn(tx, removed, at)
          return 'unlinked'
        },
        [accountLock(accountId)],
      ),

    withdraw: ({ accountId, identityId, at }, because) =>
      change(
        function* (tx, note) {
          const identities = yield* step(identitiesOf(tx, accountId))
          const emptied: Identity[] = []
          for (const identity of identities) {
            if (identityId !== null && identity.id !== identityId) continue
            if ((yield* eraseTokens(tx, t, ids, ownGrants(identity), { accountId, at })) === 0) continue
            yield* note(because(identity))
            emptied.push(identity)
          }
          return emptied
        },
        [accountLock(accountId)],
      ),

    async update(id, { name, picture, locale, timeZone }, at, because) {
      return change(function* (tx, note) {
        const [row] = yield* step(
          tx
            .update(t.accounts)
            .set({
              ...(name !== undefined && { name }),
              ...(picture !== undefined && { picture }),
              ...(locale !== undefined && { locale }),
              ...(timeZone !== undefined && { timeZone }),
              updatedAt: at,
            })
            .where(eq(t.accounts.id, id))
            .returning(columns),
        )
        if (!row) return undefined
        yield* note(because)
        return row
      })
    },

    async remove(id, at, because) {
      const locks = [accountLock(id), administratorsLock]
      const found = await change(function* (tx) {
        const [known] = yield* step(tx.select({ id: t.accounts.id }).from(t.accounts).where(eq(t.accounts.id, id)))
        if (known && (yield* isLastAdministrator(tx, t, id))) return 'last_administrator'
        return known !== undefined
      }, locks)
      if (found !== true) return found
      await history({ accountId: id, at }, originOf(because))
      return change(function* (tx, note) {
        if (yield* isLastAdministrator(tx, t, id)) return 'last_administrator'
        const devices = yield* step(
          tx
            .select({ id: t.sessions.id })
            .from(t.sessions)
            .where(and(eq(t.sessions.accountId, id), live(t, at)))
            .orderBy(asc(t.sessions.id)),
        )
        const about = { accountId: id, at, origin: originForOtherAccounts(because) }
        if (!(yield* eraseAccount(tx, t, note, ids, about))) return false
        yield* note([...because, ...signedOut(devices, 'account_deleted', id, originOf(because))])
        yield* eraseRecentOrigins(tx, t, id, at)
        return true
      }, locks)
    },
  }
}
