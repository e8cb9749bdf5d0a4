import type { TrustedDevices } from '../credentials/trusted-devices.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Devices } from '../sessions/devices.ts'
import type { Tokens } from '../sessions/tokens.ts'
import type { WithdrawGrants } from './withdraw-grants.ts'

type SignOutParts = {
  devices: Devices
  tokens: Tokens
  trustedDevices: Pick<TrustedDevices, 'recognise'>
  withdrawal: WithdrawGrants
}

/** What goes along with a sign-out, where that is asked for. */
export type SignOutOptions = { readonly revokeProviderTokens?: boolean }

/**
 * Being signed out, here or everywhere, or because a token was handed back (RFC 7009). What the person granted at
 * providers stays, unless they want it taken back as well: then that comes first, for afterwards nobody could ask again.
 */
export function signOut({ devices, tokens, trustedDevices, withdrawal }: SignOutParts) {
  return {
    /** Already signed out is signed out. */
    async here(
      who: { accountId: string; sessionId: string },
      origin: Origin,
      { revokeProviderTokens = false }: SignOutOptions = {},
    ): Promise<void> {
      if (revokeProviderTokens) await withdrawal.all(who.accountId, origin)
      await devices.end({ id: who.sessionId, accountId: who.accountId }, 'logout', origin)
    },

    async everywhere(
      accountId: string,
      origin: Origin,
      { revokeProviderTokens = false }: SignOutOptions = {},
    ): Promise<void> {
      if (revokeProviderTokens) await withdrawal.all(accountId, origin)
      const keepDevice = await trustedDevices.recognise(accountId, origin)
      await devices.endAll(accountId, null, 'logout_all', origin, { keepDevice })
    },

    /** Every other device: it is not trusted any more either, as it may be in somebody else's hands. */
    async others({ accountId, sessionId }: { accountId: string; sessionId: string }, origin: Origin): Promise<void> {
      const keepDevice = await trustedDevices.recognise(accountId, origin)
      await devices.endAll(accountId, sessionId, 'revoked', origin, { keepDevice })
    },

    /** Ends the session of either token of ours; says nothing about tokens it does not know (RFC 7009 §2.2). */
    async token(token: string, origin: Origin): Promise<void> {
      for (const type of ['refresh', 'access'] as const) {
        const claims = await tokens.read(token, type)
        if (claims.ok) await devices.end({ id: claims.value.sid, accountId: claims.value.sub }, 'revoked', origin)
      }
    },
  }
}
