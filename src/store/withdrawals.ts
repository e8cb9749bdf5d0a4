import type { SQL } from 'drizzle-orm'
import type { Ids } from '../kernel/ids.ts'
import { type Queries, type Script, step } from './driver.ts'
import type { Tables } from './schema.ts'

/** Whose withdrawal it is, for their activity and for the page it is told on. */
type Of = { readonly accountId: string; readonly teamId?: string; readonly at: Date }

/** Erases grants here, and queues what they hold at their providers for withdrawal there; in the transaction of the change that ends them. */
export function* withdrawGrants(
  tx: Queries,
  { grants: t, revocations }: Tables,
  ids: Ids,
  which: SQL | undefined,
  { accountId, teamId, at }: Of,
): Script<void> {
  const withdrawn = yield* step(tx.delete(t).where(which).returning())
  for (const { id: grantId, provider, clientId, subject, accessToken, refreshToken } of withdrawn) {
    // Taken back before: it is on its way already.
    if (accessToken === null) continue
    yield* step(
      tx.insert(revocations).values({
        ...{ id: ids('rvk'), accountId, teamId: teamId ?? null, grantId, provider, clientId, subject },
        ...{ accessToken, refreshToken, attempts: 0, nextAttemptAt: at, lastError: null, createdAt: at },
      }),
    )
  }
}
