/** Deletes providers, at once or after the grants of their users were revoked. */
import type { Origin } from '../../events/catalogue.ts'
import type { Clock } from '../../kernel/clock.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import type { UnknownProvider } from '../managed.ts'
import type { ProviderStore } from '../ports.ts'
import type { ProviderDirectory } from './directory.ts'
import type { LiveSettings } from './loading.ts'
import { touched } from './records.ts'

type DeletionParts = { store: ProviderStore; directory: ProviderDirectory; live: LiveSettings; clock: Clock }

export function createDeletion({ store, directory, live, clock }: DeletionParts) {
  return {
    /**
     * Deletes a provider. Identities stay, and work again when a provider with this issuer returns. With `withdraw`, the
     * grants of its users are revoked there first; until that is done, the ID cannot be used again.
     */
    async remove(
      by: string | null,
      id: string,
      { withdraw = false }: { withdraw?: boolean },
      origin: Origin,
    ): Promise<Result<null, UnknownProvider>> {
      const removed = await store.change<UnknownProvider>(id, (all) => {
        const found = directory.findIn(all, id)
        if (!found.ok) return found
        const isWithdrawing = withdraw && found.value.live !== null
        const at = clock()
        return ok({
          record: isWithdrawing ? touched(found.value, by, at, { enabled: false, deletedAt: at }) : null,
          because: [
            { name: 'provider.deleted', accountId: null, origin, data: { provider: id, withdrawn: isWithdrawing, by } },
          ],
        })
      })
      if (removed.ok) await live.reload()
      return removed
    },
    /** The providers that are being deleted: their last grants are being revoked. */
    async deleting(): Promise<readonly { readonly id: string; readonly since: Date }[]> {
      return (await store.list()).flatMap(({ id, deletedAt }) => (deletedAt ? [{ id, since: deletedAt }] : []))
    },
    /** Ends the deletion of a provider. */
    async finishDeletion(id: string): Promise<void> {
      await store.change(id, (all) =>
        all.some((one) => one.id === id && one.deletedAt) ? ok({ record: null, because: [] }) : err('gone'),
      )
      await live.reload()
    },
  }
}
