import { and, asc, count, desc, eq, gt, inArray, isNotNull, isNull, lte, or, sql } from 'drizzle-orm'
import type { App, GrantStore, NewTokens, RenewedTokens, StoredGrant } from '../connections/ports.ts'
import type { IdentityUse } from '../kernel/account.ts'
import type { Ids } from '../kernel/ids.ts'
import { type Change, prepareChange } from './change.ts'
import { sameConsent } from './consents.ts'
import { type Driver, placeholderFor, type Queries, type Script, step } from './driver.ts'
import { eraseGrants } from './withdrawals.ts'

export function grantStore(
  { db, tables, readLong, reads, write, steps }: Driver,
  change: Change,
  ids: Ids,
): GrantStore {
  const { grants: t, identities, jiraIntegrations } = tables
  const withKey = and(
    eq(t.provider, placeholderFor('provider', t.provider)),
    eq(t.issuer, placeholderFor('issuer', t.issuer)),
    eq(t.clientId, placeholderFor('clientId', t.clientId)),
    eq(t.subject, placeholderFor('subject', t.subject)),
    eq(t.holder, placeholderFor('holder', t.holder)),
  )
  const released = { leaseOwner: null, leaseUntil: null }
  const healthy = { status: 'healthy' as const, failures: 0, lastError: null, lastErrorAt: null }
  const raised = sql<number>`${t.fence} + 1`

  /** The columns that new tokens change. Without a new refresh token, the stored one remains valid. */
  const tokensOver = ({ refreshToken, refreshExpiresAt, lastError, ...newTokens }: RenewedTokens, at: Date) => ({
    ...newTokens,
    ...healthy,
    refreshedAt: at,
    updatedAt: at,
    fence: raised,
    ...released,
    ...(lastError && { lastError, lastErrorAt: at }),
    ...(refreshToken !== null && { refreshToken, refreshExpiresAt }),
  })
  const isFree = (at: Date) => or(isNull(t.leaseUntil), lte(t.leaseUntil, at))
  /** Ends the lease that set this fence, and writes the other columns given. */
  const endLease = (tx: Queries, id: string, fence: number, also: Partial<StoredGrant> = {}) =>
    tx
      .update(t)
      .set({ ...released, ...also })
      .where(and(eq(t.id, id), eq(t.fence, fence)))
      .returning({ id: t.id })
  const isDue = (by: Date) => and(lte(t.dueAt, by), inArray(t.status, ['healthy', 'degraded']))
  const dueThen = ({ provider, clientId }: App, by: Date) =>
    and(isDue(by), eq(t.provider, provider), eq(t.clientId, clientId))

  const byKey = db.select().from(t).where(withKey)
  const found = reads(byKey)
  const finding = steps(byKey)
  const overwriting = (refreshToken: 'with a new refresh token' | 'keeping the old one') =>
    steps(
      db
        .update(t)
        .set({
          accessToken: placeholderFor('accessToken', t.accessToken),
          scopes: placeholderFor('scopes', t.scopes),
          expiresAt: placeholderFor('expiresAt', t.expiresAt),
          dueAt: placeholderFor('dueAt', t.dueAt),
          askedScopes: placeholderFor('askedScopes', t.askedScopes),
          consentedAt: placeholderFor('at', t.consentedAt),
          usedAt: placeholderFor('at', t.usedAt),
          updatedAt: placeholderFor('at', t.updatedAt),
          ...healthy,
          fence: raised,
          ...released,
          ...(refreshToken === 'with a new refresh token' && {
            refreshToken: placeholderFor('refreshToken', t.refreshToken),
            refreshExpiresAt: placeholderFor('refreshExpiresAt', t.refreshExpiresAt),
          }),
        })
        .where(and(eq(t.id, sql.placeholder('id')), eq(t.fence, placeholderFor('fence', t.fence))))
        .returning({ id: t.id }),
    )
  const lending = steps(
    db
      .update(t)
      .set({ usedAt: placeholderFor('at', t.usedAt) })
      .where(and(withKey, isNotNull(t.accessToken)))
      .returning({ id: t.id }),
  )
  /**
   * A refresh token that the provider has permanently refused is not kept. It would only be refused again, and the
   * person would get a notice each time.
   */
  const keepsOld = ({ status }: StoredGrant, { refreshToken }: NewTokens): boolean =>
    refreshToken === null && status !== 'needs_reauthorization'
  const overwritingAll = overwriting('with a new refresh token')
  const overwritingAccess = overwriting('keeping the old one')

  const using = steps(
    db
      .update(t)
      .set({ usedAt: placeholderFor('at', t.usedAt), dueAt: placeholderFor('dueAt', t.dueAt) })
      .where(and(eq(t.id, sql.placeholder('id')), eq(t.fence, placeholderFor('fence', t.fence))))
      .returning({ id: t.id }),
  )

  /**
   * Writes the row and does not only read it. A concurrent unlinking then either waits for this row and erases the
   * grant stored with it, or came first, and the row is gone.
   */
  const holding = (columns: readonly (keyof IdentityUse)[]) =>
    steps(
      db
        .update(identities)
        .set(Object.fromEntries(columns.map((name) => [name, placeholderFor(name, identities[name])])))
        .where(
          and(
            eq(identities.issuer, placeholderFor('issuer', identities.issuer)),
            eq(identities.subject, placeholderFor('subject', identities.subject)),
          ),
        )
        .returning({ id: identities.id }),
    )
  const holdingIdentity = holding(['lastUsedAt'])
  const holdingUsed = holding(['email', 'emailVerified', 'name', 'picture', 'scopes', 'lastUsedAt'])

  /** The issuer for a row written before the column existed; `undefined` if no account has its identity. */
  function* issuerOf(tx: Queries, { provider, subject, holder }: StoredGrant): Script<string | undefined> {
    if (holder !== 'person') {
      const ofTeam = and(eq(jiraIntegrations.teamId, holder), eq(jiraIntegrations.provider, provider))
      const [found] = yield* step(tx.select({ issuer: jiraIntegrations.issuer }).from(jiraIntegrations).where(ofTeam))
      if (found?.issuer !== '') return found?.issuer
      // The same old version wrote both rows. Jira has no issuer; its subjects are identified by the provider's ID.
      yield* step(tx.update(jiraIntegrations).set({ issuer: provider }).where(ofTeam))
      return provider
    }
    const [found] = yield* step(
      tx
        .select({ issuer: identities.issuer })
        .from(identities)
        .where(and(eq(identities.provider, provider), eq(identities.subject, subject)))
        .orderBy(desc(identities.lastUsedAt), asc(identities.id))
        .limit(1),
    )
    return found?.issuer
  }

  /** Whether a row must be deleted. */
  function* isLost(tx: Queries, grant: StoredGrant): Script<boolean> {
    const { id, provider, issuer, clientId, subject, holder } = grant
    if (issuer === '') {
      const known = yield* issuerOf(tx, grant)
      if (known === undefined) return true
      const [newer] = yield* step(
        tx
          .select({ id: t.id })
          .from(t)
          .where(and(sameConsent(t, { provider, issuer: known, clientId, subject }), eq(t.holder, holder))),
      )
      if (newer) return true
      yield* step(tx.update(t).set({ issuer: known }).where(eq(t.id, id)))
      return false
    }
    if (holder !== 'person') return false
    const [identity] = yield* step(
      tx
        .select({ id: identities.id })
        .from(identities)
        .where(and(eq(identities.issuer, issuer), eq(identities.subject, subject))),
    )
    return identity === undefined
  }

  function* insert(tx: Queries, row: StoredGrant) {
    const [kept] = yield* step(tx.insert(t).values(row).onConflictDoNothing().returning({ id: t.id }))
    return kept !== undefined
  }

  function* keepTokens(
    tx: Queries,
    ...[key, newId, tokens, at, use]: Parameters<GrantStore['keeping']>
  ): Script<boolean> {
    if (key.holder === 'person') {
      const held = use ? holdingUsed({ ...use, ...key }) : holdingIdentity({ ...key, lastUsedAt: at })
      if ((yield* step(held)).length === 0) return false
    }
    // The lock excludes other consents. Between reading and writing, however, an unlinking may delete the row, or a
    // renewal may replace its tokens; then try again.
    for (;;) {
      const [known] = yield* step(finding(key))
      if (known) {
        const { id, fence } = known
        const newTokens = tokens(id, known)
        const written =
          'stays' in newTokens
            ? using({ id, fence, at, dueAt: newTokens.dueAt })
            : (keepsOld(known, newTokens) ? overwritingAccess : overwritingAll)({ ...newTokens, id, fence, at })
        const [kept] = yield* step(written)
        if (kept) return true
        continue
      }
      const { provider, issuer, clientId, subject, holder } = key
      const newTokens = tokens(newId, undefined)
      if ('stays' in newTokens) throw new Error('a new grant has no tokens to keep')
      const kept = yield* insert(tx, {
        id: newId,
        provider,
        issuer,
        clientId,
        subject,
        holder,
        ...newTokens,
        ...healthy,
        consentedAt: at,
        refreshedAt: null,
        usedAt: at,
        updatedAt: at,
        fence: 1,
        ...released,
      })
      if (kept) return true
    }
  }

  const keeping: GrantStore['keeping'] = (...given) => {
    const [{ provider, issuer, clientId, subject, holder }] = given
    return prepareChange(change, {
      script: (tx) => keepTokens(tx, ...given),
      locks: [`grant:${provider}:${issuer}:${clientId}:${subject}:${holder}`],
    })
  }

  return {
    async find({ provider, issuer, clientId, subject, holder }) {
      const [grant] = await found({ provider, issuer, clientId, subject, holder })
      return grant
    },

    keeping,
    keep: (...given) => keeping(...given).make(),

    repair: (after, limit, at) =>
      change(function* (tx) {
        const rows = yield* step(tx.select().from(t).where(gt(t.id, after)).orderBy(asc(t.id)).limit(limit))
        let withdrawn = 0
        for (const grant of rows) {
          if (!(yield* isLost(tx, grant))) continue
          yield* eraseGrants(tx, tables, ids, eq(t.id, grant.id), { accountId: '', at })
          withdrawn += 1
        }
        return { withdrawn, next: rows.length < limit ? null : (rows.at(-1)?.id ?? null) }
      }),

    async lease(id, owner, until, at, ifDue) {
      const [leased] = await write(
        db
          .update(t)
          .set({ leaseOwner: owner, leaseUntil: until, fence: raised })
          .where(and(eq(t.id, id), isFree(at), ifDue && isDue(at)))
          .returning(),
      )
      return leased
    },

    async release(id, fence) {
      await write(endLease(db, id, fence))
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

    async failed(id, fence, error, dueAt, at) {
      const written = await write(
        db
          .update(t)
          .set({
            status: 'degraded',
            failures: sql<number>`${t.failures} + 1`,
            lastError: error,
            lastErrorAt: at,
            dueAt,
            updatedAt: at,
            ...released,
          })
          .where(and(eq(t.id, id), eq(t.fence, fence)))
          .returning({ id: t.id }),
      )
      return written.length > 0
    },

    died: (id, fence, at, because) =>
      change(function* (tx, note) {
        const dead = { status: 'needs_reauthorization', lastError: 'invalid_grant', lastErrorAt: at } as const
        const ended = yield* step(endLease(tx, id, fence, { ...dead, dueAt: null, updatedAt: at }))
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

    async used(id, fence, dueAt, at) {
      await write(
        db
          .update(t)
          .set({ usedAt: at, dueAt })
          .where(and(eq(t.id, id), eq(t.fence, fence))),
      )
    },

    async due(app, at, limit) {
      const found = await readLong(
        db
          .select({ id: t.id })
          .from(t)
          .where(and(dueThen(app, at), isFree(at)))
          .orderBy(asc(t.dueAt), asc(t.id))
          .limit(limit),
      )
      return found.map(({ id }) => id)
    },

    async dueBy(app, by, most) {
      const some = db.select({ id: t.id }).from(t).where(dueThen(app, by)).limit(most).as('some')
      const [counted] = await readLong(db.select({ rows: count() }).from(some))
      return counted?.rows ?? 0
    },
  }
}
