import { createEmailAccessRule } from '../credentials/email-access.ts'
import type { Origin } from '../events/catalogue.ts'
import { arriveFromProvider } from './arrive-from-provider.ts'
import { askForMore, stillOffers } from './ask-for-more.ts'
import { askJira } from './ask-jira.ts'
import { beginWithProvider } from './begin-with-provider.ts'
import { changeEmail } from './change-email.ts'
import { changePassword } from './change-password.ts'
import { connectJira } from './connect-jira.ts'
import { deleteAccount } from './delete-account.ts'
import { finishSignIn } from './finish-sign-in.ts'
import { introspectToken } from './introspect-token.ts'
import { invitePerson } from './invite-person.ts'
import { inviteToTeam } from './invite-to-team.ts'
import { issueMachineToken } from './issue-machine-token.ts'
import { keepJira } from './keep-jira.ts'
import { lendToken } from './lend-token.ts'
import { manageProviders } from './manage-providers.ts'
import { noteRefusedRequest } from './note-refused-request.ts'
import { keepPasskeys } from './passkeys.ts'
import { postedCallback } from './posted-callback.ts'
import { proveSecondFactor } from './prove-second-factor.ts'
import { readAsAdministrator } from './read-as-administrator.ts'
import { readQueues } from './read-queues.ts'
import { readUserClaims } from './read-user-claims.ts'
import { readUserInfo } from './read-userinfo.ts'
import { redeemCode } from './redeem-code.ts'
import { refreshApplication } from './refresh-application.ts'
import { refreshTokens } from './refresh-tokens.ts'
import { register } from './register.ts'
import { resetPassword } from './reset-password.ts'
import { resolveConflict } from './resolve-conflict.ts'
import type { Returns } from './return-to.ts'
import { revokeApplicationToken } from './revoke-application-token.ts'
import { secondFactor } from './second-factor.ts'
import { sendReset } from './send-reset.ts'
import { settleIdentity } from './settle-identity.ts'
import { signInByEmail } from './sign-in-by-email.ts'
import { signInWithIdToken } from './sign-in-with-id-token.ts'
import { signInWithPasskey } from './sign-in-with-passkey.ts'
import { signInWithPassword } from './sign-in-with-password.ts'
import { signInWithProvider } from './sign-in-with-provider.ts'
import { signOut } from './sign-out.ts'
import { syncJiraSites } from './sync-jira-sites.ts'
import { tryDraft } from './try-draft.ts'
import { unlinkProvider } from './unlink-provider.ts'
import { verifyEmail } from './verify-email.ts'
import { withdrawGrants } from './withdraw-grants.ts'

/** The dependencies of one flow. */
type PartsOf<Flow extends (parts: never) => unknown> = Parameters<Flow>[0]

/** Flows that other flows depend on. All other dependencies come from outside. */
type BuiltHere =
  | (
      | 'arrive'
      | 'posted'
      | 'begin'
      | 'settle'
      | 'finish'
      | 'connect'
      | 'keep'
      | 'ask'
      | 'sync'
      | 'prove'
      | 'verifyEmail'
      | 'resets'
      | 'trial'
    )
  | ('withdrawal' | 'sendSignIn' | 'opens' | 'opensByMail' | 'mayReturn' | 'stillOffers' | 'sessionLives')

/**
 * The nouns, stores and settings that the flows depend on, each under the name that all flows use. A flow that needs
 * something new declares it in its own parts.
 */
type Nouns = Omit<
  PartsOf<typeof arriveFromProvider> &
    PartsOf<typeof beginWithProvider> &
    PartsOf<typeof changePassword> &
    PartsOf<typeof connectJira> &
    PartsOf<typeof finishSignIn> &
    PartsOf<typeof introspectToken> &
    PartsOf<typeof issueMachineToken> &
    PartsOf<typeof invitePerson> &
    PartsOf<typeof inviteToTeam> &
    PartsOf<typeof keepPasskeys> &
    PartsOf<typeof lendToken> &
    PartsOf<typeof manageProviders> &
    PartsOf<typeof noteRefusedRequest> &
    PartsOf<typeof proveSecondFactor> &
    PartsOf<typeof readAsAdministrator> &
    PartsOf<typeof readUserClaims> &
    PartsOf<typeof readUserInfo> &
    PartsOf<typeof redeemCode> &
    PartsOf<typeof refreshApplication> &
    PartsOf<typeof refreshTokens> &
    PartsOf<typeof register> &
    PartsOf<typeof resetPassword> &
    PartsOf<typeof resolveConflict> &
    PartsOf<typeof revokeApplicationToken> &
    PartsOf<typeof sendReset> &
    PartsOf<typeof settleIdentity> &
    PartsOf<typeof tryDraft>,
  BuiltHere
> & { readonly returns: Returns }

/** Builds all flows, in the order in which they need each other. Each is a verb of the service, in its own file. */
export function createFlows(nouns: Nouns) {
  const { addresses, audit, devices, renewal, returns, autoRegister } = nouns
  const mayReturn = returns.stillAllowed

  // Signing in with a provider
  const begin = beginWithProvider(nouns)
  const arrive = arriveFromProvider(nouns)
  const posted = postedCallback({ ...nouns, draftOf: arrive.draftOf })
  const settle = settleIdentity({
    ...nouns,
    sessionLives: async (id) => (await devices.find(id))?.endedAt === null,
    stillOffers: stillOffers(nouns),
  })
  const finish = finishSignIn(nouns)

  // A team's Jira
  const ask = askJira(renewal)
  const sync = syncJiraSites({ ...nouns, ask })
  const connect = connectJira({ ...nouns, arrive, begin })
  const keep = keepJira({ ...nouns, sync })

  // Trying the draft of a provider
  const trial = tryDraft({ ...nouns, arrive, begin })

  // Signing in with a password, a passkey or an email message
  const second = proveSecondFactor(nouns)
  const verification = verifyEmail(nouns)
  const opens = createEmailAccessRule({ autoRegister })
  const byEmail = signInByEmail({ ...nouns, opens, mayReturn })
  const resets = resetPassword({ ...nouns, opens })
  const withdrawal = withdrawGrants(nouns)

  return {
    begin,
    /** Records a sign-in that was refused for its `return_to` before a sign-in method was used. */
    recordRefusedTarget: (origin: Origin): Promise<void> =>
      audit.record({
        name: 'authentication.failed',
        accountId: null,
        origin,
        data: { provider: 'none', code: 'return_to_not_allowed', intent: 'login' },
      }),
    noteRefusedRequest: noteRefusedRequest(nouns),
    receiveCallbackForm: posted.seal,
    signInWithProvider: signInWithProvider({
      ...nouns,
      arrive,
      posted,
      settle,
      finish,
      connect: connect.finish,
      tryDraft: trial.finish,
      mayReturn,
    }),
    signInWithIdToken: signInWithIdToken({ ...nouns, settle, finish }),
    resolveConflict: resolveConflict({
      ...nouns,
      finish,
      mayReturn,
      opensByMail: async (emailKey) => {
        const opened = opens(await addresses.holders(emailKey))
        return opened !== undefined && opened.tag !== 'fresh'
      },
      sendSignIn: byEmail.begin,
    }),
    askForMore: askForMore({ ...nouns, begin }),
    unlink: unlinkProvider(nouns),
    withdraw: withdrawal,
    readUserInfo: readUserInfo(nouns),
    lend: lendToken(nouns),

    register: register(nouns),
    signInWithPassword: signInWithPassword({ ...nouns, prove: second.prove, verifyEmail: verification }),
    password: changePassword(nouns),
    resetPassword: resets,
    sendReset: sendReset({ ...nouns, resets }),
    signInByEmail: byEmail,
    verifyEmail: verification,
    changeEmail: changeEmail(nouns),
    signInWithPasskey: signInWithPasskey(nouns),
    passkeys: keepPasskeys(nouns),
    secondFactor: secondFactor(nouns),
    proveSecondFactor: second,

    redeemCode: redeemCode(nouns),
    refreshTokens: refreshTokens(nouns),
    introspect: introspectToken(nouns),
    issueMachineToken: issueMachineToken(nouns),
    refreshApplication: refreshApplication(nouns),
    revokeApplicationToken: revokeApplicationToken(nouns),
    readUserClaims: readUserClaims(nouns),
    signOut: signOut({ ...nouns, withdrawal }),
    deleteAccount: deleteAccount(nouns),
    invitePerson: invitePerson(nouns),
    readAsAdministrator: readAsAdministrator(nouns),
    manageProviders: manageProviders({ ...nouns, trial }),

    inviteToTeam: inviteToTeam(nouns),
    connectJira: connect,
    jira: keep,
    readQueues: readQueues({ ...nouns, keep, ask }),
    syncJiraSites: sync,
  }
}
export type Flows = ReturnType<typeof createFlows>
