import type { Links, UnlinkCode } from '../accounts/links.ts'
import type { AuditStore } from '../audit/ports.ts'
import type { AppError } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Providers } from '../providers/providers.ts'

type UnlinkProviderParts = { links: Links; providers: Providers; audit: AuditStore; wakeRevocation: () => void }

/** Removes a sign-in method: here immediately, and at its provider as soon as it responds. */
export function unlinkProvider({ links, providers, audit, wakeRevocation }: UnlinkProviderParts) {
  return async (
    of: { accountId: string; sessionId: string; identityId: string },
    origin: Origin,
  ): Promise<Result<null, AppError<UnlinkCode>>> => {
    const unlinked = await links.unlink(of, origin)
    if (!unlinked.ok) {
      await audit.record({
        name: 'identity.unlink_refused',
        accountId: of.accountId,
        origin,
        data: { code: unlinked.error.code },
      })
      return unlinked
    }
    const provider = providers.get(unlinked.value.provider)
    if (provider) providers.eraseProfile(provider, unlinked.value)
    wakeRevocation()
    return ok(null)
  }
}
