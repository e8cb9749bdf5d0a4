import { and, asc, eq, inArray, isNotNull, type SQL, sql } from 'drizzle-orm'
import type { StoredGrant } from '../connections/ports.ts'
import type { Ids } from '../kernel/ids.ts'
import { type Queries, type Script, step } from './driver.ts'
import type { Tables } from './schema.ts'

/** The account whose activity shows the withdrawal, and the team whose page does. */
type Withdrawal = { readonly accountId: string; readonly teamId?: string; readonly at: Date }

/**
 * The grants of a person for an identity, for any of our apps. Nearly every holder is `person`; the concatenation keeps
 * SQLite from choosing the index of holders, which would read nearly all rows.
 */
export const grantsOf = (
  { grants }: Tables,
  { provider, issuer, subject }: Pick<StoredGrant, 'provider' | 'issuer' | 'subject'>,
) =>
  and(
    eq(grants.provider, provider),
    eq(grants.subject, subject),
    // A row written by an older version has no issuer yet; it belongs to any identity with its subject.
    inArray(grants.issuer, [issuer, '']),
    sql`${grants.holder} || '' = 'person'`,
  )

/**
 * Deletes grants, and queues their revocation at their providers. Runs in the transaction of the change that ends them.
 */
export function* eraseGrants(tx: Queries, t: Tables, ids: Ids, which: SQL | undefined, of: Withdrawal): Script<void> {
  const withdrawn = yield* step(tx.delete(t.grants).where(which).returning())
  for (const grant of withdrawn) yield* queue(tx, t, ids, grant, of)
}

/**
 * The same for grants whose rows stay, to show that they were withdrawn: only their tokens and permissions are erased.
 * Returns how many grants held tokens.
 */
export function* eraseTokens(tx: Queries, t: Tables, ids: Ids, which: SQL | undefined, of: Withdrawal): Script<number> {
  const standing = and(which, isNotNull(t.grants.accessToken))
  let emptied = 0
  for (;;) {
    const [grant] = yield* step(tx.select().from(t.grants).where(standing).orderBy(asc(t.grants.id)).limit(1))
    if (!grant) return emptied
    // A renewal may have stored other tokens since they were read; then those must be revoked.
    const [written] = yield* step(
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
    if (!written) continue
    yield* queue(tx, t, ids, grant, of)
    emptied++
  }
}

type GrantTokens = Pick<
  StoredGrant,
  'id' | 'provider' | 'issuer' | 'clientId' | 'subject' | 'accessToken' | 'refreshToken'
>
function* queue(
  tx: Queries,
  { revocations }: Tables,
  ids: Ids,
  grant: GrantTokens,
  { accountId, teamId, at }: Withdrawal,
): Script<void> {
  const { id: grantId, provider, issuer, clientId, subject, accessToken, refreshToken } = grant
  // It was withdrawn before, and its revocation is queued already.
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
