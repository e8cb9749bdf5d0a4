import { and, eq, isNotNull, isNull, lte, or, sql } from 'drizzle-orm'
import type { GrantKey, GrantStore, NewTokens, StoredGrant } from '../connections/ports.ts'
import type { Change } from './change.ts'
import { type Driver, given, type Queries, step } from './driver.ts'

export function grantStore({ db, tables: { grants: t }, read, write, steps }: Driver, change: Change): GrantStore {
  const withKey = ({ provider, clientId, subject, holder }: GrantKey) =>
    and(eq(t.provider, provider), eq(t.clientId, clientId), eq(t.subject, subject), eq(t.holder, holder))
  const released = { leaseOwner: null, leaseUntil: null }
  const healthy = { status: 'healthy' as const, failures: 0, lastError: null, lastErrorAt: null }
  const raised = sql<number>`${t.fence} + 1`

  /** What new tokens write over a row. Without a new refresh token the stored one is still the good one. */
  const tokensOver = ({ refreshToken, refreshExpiresAt, ...brought }: Omit<NewTokens, 'askedScopes'>, at: Date) => ({
    ...{ ...brought, ...healthy, refreshedAt: at, updatedAt: at, fence: raised, ...released },
    ...(refreshToken !== null && { refreshToken, refreshExpiresAt }),
  })

  const finding = steps(
    db
      .select({ id: t.id })
      .from(t)
      .where(
        and(
          eq(t.provider, given('provider', t.provider)),
          eq(t.clientId, given('clientId', t.clientId)),
          eq(t.subject, given('subject', t.subject)),
          eq(t.holder, given('holder', t.holder)),
        ),
      ),
  )
  const overwriting = (refreshToken: 'with a new refresh token' | 'keeping the old one') =>
    steps(
      db
        .update(t)
        .set({
          ...{ accessToken: given('accessToken', t.accessToken), scopes: given('scopes', t.scopes) },
          ...{ expiresAt: given('expiresAt', t.expiresAt), dueAt: given('dueAt', t.dueAt) },
          ...{ askedScopes: given('askedScopes', t.askedScopes), consentedAt: given('at', t.consentedAt) },
          ...{ usedAt: given('at', t.usedAt), updatedAt: given('at', t.updatedAt) },
          ...{ ...healthy, fence: raised, ...released },
          ...(refreshToken === 'with a new refresh token' && {
            refreshToken: given('refreshToken', t.refreshToken),
            refreshExpiresAt: given('refreshExpiresAt', t.refreshExpiresAt),
          }),
        })
        .where(eq(t.id, sql.placeholder('id')))
        .returning({ id: t.id }),
    )
  const lending = steps(
    db
      .update(t)
      .set({ usedAt: given('at', t.usedAt) })
      .where(
        and(
          eq(t.provider, given('provider', t.provider)),
          eq(t.clientId, given('clientId', t.clientId)),
          eq(t.subject, given('subject', t.subject)),
          eq(t.holder, given('holder', t.holder)),
          isNotNull(t.accessToken),
        ),
      )
      .returning({ id: t.id }),
  )
  const overwritingAll = overwriting('with a new refresh token')
  const overwritingAccess = overwriting('keeping the old one')

  function* insert(tx: Queries, row: StoredGrant) {
    const [kept] = yield* step(tx.insert(t).values(row).onConflictDoNothing().returning({ id: t.id }))
    return kept !== undefined
  }

  return {
    async find(key) {
      const [found] = await read(db.select().from(t).where(withKey(key)))
      return found
    },

    keep: (key, newId, tokens, at) =>
      change(
        function* (tx) {
          // The lock keeps other consents away, but an unlinking may still take the row between reading and writing.
          for (;;) {
            const [known] = yield* step(finding(key))
            if (known) {
              const brought = tokens(known.id)
              const overwrite = brought.refreshToken === null ? overwritingAccess : overwritingAll
              const [kept] = yield* step(overwrite({ ...brought, id: known.id, at }))
              if (kept) return
            }
            const { provider, clientId, subject, holder } = key
            const kept = yield* insert(tx, {
              ...{ id: newId, provider, clientId, subject, holder, ...tokens(newId), ...healthy },
              ...{ consentedAt: at, refreshedAt: null, usedAt: at, updatedAt: at, fence: 1, ...released },
            })
            if (kept) return
          }
        },
        [`grant:${key.provider}:${key.clientId}:${key.subject}:${key.holder}`],
      ),

    async lease(id, owner, until, at) {
      const [leased] = await write(
        db
          .update(t)
          .set({ leaseOwner: owner, leaseUntil: until, fence: raised })
          .where(and(eq(t.id, id), or(isNull(t.leaseUntil), lte(t.leaseUntil, at))))
          .returning(),
      )
      return leased
    },

    async renewed(id, fence, tokens, at) {
      const written = await write(
        db
          .update(t)
          .set(tokensOver(tokens, at))
          .where(and(eq(t.id, id), eq(t.fence, fence)))
          .returning({ id: t.id }),
      )
      return written.length > 0
    },

    gaveUp: (id, fence, needsReauthorization, at, because) =>
      change(function* (tx, note) {
        const ended = yield* step(
          tx
            .update(t)
            .set({
              ...released,
              ...(needsReauthorization && { status: 'needs_reauthorization' as const, updatedAt: at }),
            })
            .where(and(eq(t.id, id), eq(t.fence, fence)))
            .returning({ id: t.id }),
        )
        if (ended.length === 0) return false
        yield* note(because)
        return true
      }),

    lent: (key, at, because) =>
      change(function* (_tx, note) {
        const used = yield* step(lending({ ...key, at }))
        if (used.length === 0) return false
        yield* note(because)
        return true
      }),
  }
}
