import { and, asc, eq, inArray, isNotNull, type SQL, sql } from 'drizzle-orm'
import type { StoredGrant } from '../connections/ports.ts'
import type { Ids } from '../kernel/ids.ts'
import { type Queries, type Script, step } from './driver.ts'
import type { Tables } from './schema.ts'

/** Whose withdrawal it is, for their activity and for the page it is told on. */
type Of = { readonly accountId: string; readonly teamId?: string; readonly at: Date }

/**
 * What an identity's person holds of its provider, whichever app of ours it was given to. Nearly every holder is a person:
 * the index of holders, which SQLite would take, leads through all of them.
 */
export const grantsOf = (
  { grants }: Tables,
  { provider, issuer, subject }: Pick<StoredGrant, 'provider' | 'issuer' | 'subject'>,
) =>
  and(
    eq(grants.provider, provider),
    eq(grants.subject, subject),
    // One that a version before wrote has no issuer yet; it goes with whoever has its subject.
    inArray(grants.issuer, [issuer, '']),
    sql`${grants.holder} || '' = 'person'`,
  )

/** Erases grants here, and queues what they hold at their providers for withdrawal there; in the transaction of the change that ends them. */
export function* eraseGrants(tx: Queries, t: Tables, ids: Ids, which: SQL | undefined, of: Of): Script<void> {
  const withdrawn = yield* step(tx.delete(t.grants).where(which).returning())
  for (const grant of withdrawn) yield* queue(tx, t, ids, grant, of)
}

/**
 * The same for grants whose rows stay, to say that they were taken back: nothing is left in them. Answers how many held
 * anything.
 */
export function* emptyGrants(tx: Queries, t: Tables, ids: Ids, which: SQL | undefined, of: Of): Script<number> {
  const standing = and(which, isNotNull(t.grants.accessToken))
  let taken = 0
  for (;;) {
    const [grant] = yield* step(tx.select().from(t.grants).where(standing).orderBy(asc(t.grants.id)).limit(1))
    if (!grant) return taken
    // A renewal may have brought other tokens since it was read: then those are what is to be taken back.
    const [emptied] = yield* step(
      tx
        .update(t.grants)
        .set({
          status: 'revoked',
          accessToken: null,
          refreshToken: null,
          askedScopes: [],
          scopes: [],
          expiresAt: null,
          refreshExpiresAt: null,
          dueAt: null,
          failures: 0,
          lastError: null,
          lastErrorAt: null,
          updatedAt: of.at,
          leaseOwner: null,
          leaseUntil: null,
          fence: sql`${t.grants.fence} + 1`,
        })
        .where(and(eq(t.grants.id, grant.id), eq(t.grants.fence, grant.fence)))
        .returning({ id: t.grants.id }),
    )
    if (!emptied) continue
    yield* queue(tx, t, ids, grant, of)
    taken++
  }
}

type Held = Pick<StoredGrant, 'id' | 'provider' | 'issuer' | 'clientId' | 'subject' | 'accessToken' | 'refreshToken'>
function* queue(
  tx: Queries,
  { revocations }: Tables,
  ids: Ids,
  grant: Held,
  { accountId, teamId, at }: Of,
): Script<void> {
  const { id: grantId, provider, issuer, clientId, subject, accessToken, refreshToken } = grant
  // Taken back before: it is on its way already.
  if (accessToken === null) return
  yield* step(
    tx.insert(revocations).values({
      id: ids('rvk'),
      accountId,
      teamId: teamId ?? null,
      grantId,
      provider,
      issuer,
      clientId,
      subject,
      accessToken,
      refreshToken,
      attempts: 0,
      nextAttemptAt: at,
      lastError: null,
      createdAt: at,
    }),
  )
}
