import type { AccountStore } from '../accounts/ports.ts'
import type { AuditStore } from '../audit/ports.ts'
import { type AuthenticationResponseJSON, amrOf, type Passkeys } from '../credentials/passkeys.ts'
import type { Throttle } from '../credentials/throttle.ts'
import type { TrustedDevices } from '../credentials/trusted-devices.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { SignedIn, SignIn, SignInFailureCode, SignInRequest } from '../sessions/sign-in.ts'
import { isStillOpen } from './finish-sign-in.ts'

export type PasskeyCode = 'ticket_invalid' | 'passkey_rejected' | SignInFailureCode

type SignInWithPasskeyParts = {
  passkeys: Passkeys
  accounts: AccountStore
  signIn: SignIn
  throttle: Throttle
  trustedDevices: TrustedDevices
  audit: AuditStore
}

/** Signs in with only a passkey: possession of it and the user verification of its device are two factors. */
export function signInWithPasskey({
  passkeys,
  accounts,
  signIn,
  throttle,
  trustedDevices,
  audit,
}: SignInWithPasskeyParts) {
  return {
    challenge: passkeys.signIn,

    async signIn(
      flowToken: string,
      response: AuthenticationResponseJSON,
      signInRequest: SignInRequest,
    ): Promise<Result<SignedIn, AppError<PasskeyCode>>> {
      const { origin, returnTo, codeChallenge } = signInRequest
      const refused = async <C extends PasskeyCode>(error: AppError<C>, accountId: string | null) => {
        const data = { provider: 'passkey', code: error.code, intent: 'login' } as const
        await audit.record({ name: 'authentication.failed', accountId, origin, data })
        return { ok: false as const, error }
      }
      const shown = await passkeys.shown(null, flowToken, response)
      // The key may have been copied, or a site stands in between. Its owner can see that in their activity.
      if (!shown.ok) return refused(shown.error, await passkeys.ownerOf(response.id))
      const { passkey, userVerified, using } = shown.value
      const account = await accounts.find(passkey.accountId)
      if (!account) return refused(fail('passkey_rejected').error, null)
      const { id } = account
      const entrance = { provider: 'passkey', providerUserId: id, action: 'login_existing' } as const
      const signedIn = await signIn.proceed(
        account,
        { ...entrance, opener: { tag: 'passkey', id: passkey.id }, amr: amrOf(passkey, userVerified) },
        signInRequest,
        using,
      )
      if (!signedIn.ok) return isStillOpen(signedIn.error) ? signedIn : refused(signedIn.error, id)
      await throttle.completed({ subject: id, trustedDevice: await trustedDevices.recognise(id, origin) })
      return ok({ ...entrance, ...signedIn.value, account, onward: { returnTo, codeChallenge } })
    },
  }
}
