import type { Origin } from '../events/catalogue.ts'
import type { AskForMore } from './ask-for-more.ts'
import type { BeginWithProvider } from './begin-with-provider.ts'
import type { ChangeEmail } from './change-email.ts'
import type { ChangePassword } from './change-password.ts'
import type { ConnectJira } from './connect-jira.ts'
import type { DeleteAccount } from './delete-account.ts'
import type { IntrospectToken } from './introspect-token.ts'
import type { InviteToTeam } from './invite-to-team.ts'
import type { KeepJira } from './keep-jira.ts'
import type { LendToken } from './lend-token.ts'
import type { KeepPasskeys } from './passkeys.ts'
import type { ProveSecondFactor } from './prove-second-factor.ts'
import type { ReadAsAdministrator } from './read-as-administrator.ts'
import type { ReadQueues } from './read-queues.ts'
import type { ReadUserInfo } from './read-userinfo.ts'
import type { RedeemCode } from './redeem-code.ts'
import type { RefreshTokens } from './refresh-tokens.ts'
import type { Register } from './register.ts'
import type { ResetPassword } from './reset-password.ts'
import type { ResolveConflict } from './resolve-conflict.ts'
import type { SecondFactor } from './second-factor.ts'
import type { SendReset } from './send-reset.ts'
import type { SignInByEmail } from './sign-in-by-email.ts'
import type { SignInWithPasskey } from './sign-in-with-passkey.ts'
import type { SignInWithPassword } from './sign-in-with-password.ts'
import type { SignInWithProvider } from './sign-in-with-provider.ts'
import type { SignOut } from './sign-out.ts'
import type { UnlinkProvider } from './unlink-provider.ts'
import type { VerifyEmail } from './verify-email.ts'
import type { WithdrawGrants } from './withdraw-grants.ts'

/** The verbs of the service: each is one story, told in a file of its own. */
export type Flows = {
  readonly begin: BeginWithProvider
  readonly askForMore: AskForMore
  readonly enter: SignInWithProvider
  /** Records a sign-in that was refused for its `return_to` before a sign-in method was used. */
  readonly recordRefusedTarget: (origin: Origin) => Promise<void>
  readonly register: Register
  readonly signInWithPassword: SignInWithPassword
  readonly password: ChangePassword
  readonly resolveConflict: ResolveConflict
  readonly refreshTokens: RefreshTokens
  readonly redeemCode: RedeemCode
  readonly signOut: SignOut
  readonly unlink: UnlinkProvider
  readonly readUserInfo: ReadUserInfo
  readonly deleteAccount: DeleteAccount
  readonly secondFactor: SecondFactor
  readonly proveSecondFactor: ProveSecondFactor
  readonly passkeys: KeepPasskeys
  readonly signInWithPasskey: SignInWithPasskey
  readonly verifyEmail: VerifyEmail
  readonly changeEmail: ChangeEmail
  readonly resetPassword: ResetPassword
  readonly signInByEmail: SignInByEmail
  readonly sendReset: SendReset
  readonly readAsAdministrator: ReadAsAdministrator
  readonly introspect: IntrospectToken
  readonly inviteToTeam: InviteToTeam
  readonly lend: LendToken
  readonly withdraw: WithdrawGrants
  readonly connectJira: ConnectJira
  readonly jira: KeepJira
  readonly readQueues: ReadQueues
}
