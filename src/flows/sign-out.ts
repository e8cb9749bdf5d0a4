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

/** What else to do at a sign-out, if requested. */
export type SignOutOptions = { readonly revokeProviderTokens?: boolean }

/**
 * Signs out one device or all of them, or the session of a revoked token (RFC 7009). Grants at providers stay, unless
 * the user also withdraws them. That happens first, since it needs the session.
 */
export function signOut({ devices, tokens, trustedDevices, withdrawal }: SignOutParts) {
  return {
    /** Succeeds if the device is already signed out. */
    async here(
      who: { accountId: string; sessionId: string },
      origin: Origin,
      { revokeProviderTokens = false }: SignOutOptions = {},
    ): Promise<void> {
      if (revokeProviderTokens) await withdrawal.all(who.accountId, origin)
      await devices.end({ id: who.sessionId, accountId: who.accountId }, 'logout', origin)
    },

    /**
     * The caller's own session ends last. Thousands of sessions may take longer than a request may: then the same request
     * can be repeated, and nobody believes that everything is signed out already.
     */
    async everywhere(
      { accountId, sessionId }: { accountId: string; sessionId: string },
      origin: Origin,
      { revokeProviderTokens = false }: SignOutOptions = {},
    ): Promise<void> {
      if (revokeProviderTokens) await withdrawal.all(accountId, origin)
      const keepDevice = await trustedDevices.recognise(accountId, origin)
      await devices.endAll(accountId, sessionId, 'logout_all', origin, { keepDevice })
      await devices.endAll(accountId, null, 'logout_all', origin, { keepDevice })
    },

    /** Signs out all other devices. They also lose their trust, since someone else may have them. */
    async others({ accountId, sessionId }: { accountId: string; sessionId: string }, origin: Origin): Promise<void> {
      const keepDevice = await trustedDevices.recognise(accountId, origin)
      await devices.endAll(accountId, sessionId, 'revoked', origin, { keepDevice })
    },

    /** Ends the session of an access or refresh token. Unknown tokens are not reported (RFC 7009 §2.2). */
    async token(token: string, origin: Origin): Promise<void> {
      for (const type of ['refresh', 'access'] as const) {
        const claims = await tokens.read(token, type)
        // The token of an application stands for its own sign-in only: see `revoke-application-token.ts`.
        if (claims.ok && claims.value.application === null)
          await devices.end({ id: claims.value.sid, accountId: claims.value.sub }, 'revoked', origin)
      }
    },
  }
}
