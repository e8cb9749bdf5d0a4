/** Notifies administrators of client secrets that expire. */
import { type Fact, internalOrigin } from '../../events/catalogue.ts'
import type { Clock } from '../../kernel/clock.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import type { ProviderStore, ProviderWrite, StoredProvider } from '../ports.ts'
import { findPresent, present, recordOf } from './records.ts'

/**
 * Notifies these accounts of client secrets that expire within so many days, once for each number. Of several that have
 * passed, only the last one is reported.
 */
export async function noticeExpiry(
  store: ProviderStore,
  clock: Clock,
  days: readonly number[],
  to: readonly string[],
): Promise<void> {
  for (const { id } of present(await store.list()))
    await store.change<null>(id, (all) => expiryNotice(findPresent(all, id), clock(), days, to))
}

function expiryNotice(
  current: StoredProvider | undefined,
  at: Date,
  days: readonly number[],
  to: readonly string[],
): Result<ProviderWrite, null> {
  const live = current?.live
  if (!current || !live?.secretExpiresAt) return err(null)
  const left = (live.secretExpiresAt.getTime() - at.getTime()) / 86_400_000
  const due = days.filter((one) => left <= one).sort((a, b) => a - b)[0]
  if (due === undefined || (live.noticedDays !== null && live.noticedDays <= due)) return err(null)
  return ok({
    record: recordOf(current),
    versions: [{ ...live, noticedDays: due }],
    because: to.map(
      (accountId): Fact => ({
        name: 'provider.secret_expiring',
        accountId,
        origin: internalOrigin,
        data: { provider: current.id, days: Math.max(0, Math.ceil(left)) },
      }),
    ),
  })
}
