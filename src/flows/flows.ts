import type { BeginWithProvider } from './begin-with-provider.ts'
import type { DeleteAccount } from './delete-account.ts'
import type { EnterWithProvider } from './enter-with-provider.ts'
import type { IntrospectToken } from './introspect-token.ts'
import type { ReadUserInfo } from './read-userinfo.ts'
import type { RedeemCode } from './redeem-code.ts'
import type { RefreshTokens } from './refresh-tokens.ts'
import type { ResolveConflict } from './resolve-conflict.ts'
import type { SendReset } from './send-reset.ts'
import type { SignOut } from './sign-out.ts'
import type { UnlinkProvider } from './unlink-provider.ts'

/** The verbs of the service: each is one story, told in a file of its own. */
export type Flows = {
  readonly begin: BeginWithProvider
  readonly enter: EnterWithProvider
  readonly resolveConflict: ResolveConflict
  readonly refreshTokens: RefreshTokens
  readonly redeemCode: RedeemCode
  readonly signOut: SignOut
  readonly unlink: UnlinkProvider
  readonly readUserInfo: ReadUserInfo
  readonly deleteAccount: DeleteAccount
  readonly sendReset: SendReset
  readonly introspect: IntrospectToken
}
