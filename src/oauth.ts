import type { Links } from './accounts/links.ts'
import type { Identity } from './accounts/ports.ts'
import type { Context, LinkedAccount, ProviderInfo, Returned, Who } from './embedding.ts'
import { type AppError, fail } from './errors/catalogue.ts'
import type { Action, Origin } from './events/catalogue.ts'
import type { BeginCode } from './flows/begin-with-provider.ts'
import type { Flows } from './flows/flows.ts'
import type { UserInfoCode } from './flows/read-userinfo.ts'
import type { ProviderSignInCode } from './flows/sign-in-with-provider.ts'
import type { Account } from './kernel/account.ts'
import { readIp } from './kernel/ip.ts'
import { ok, type Result } from './kernel/result.ts'
import type { ProfileReading } from './providers/userinfo.ts'
import type { TokenPair, Tokens } from './sessions/tokens.ts'

type OAuthParts = { flows: Flows; links: Links; tokens: Tokens }

/**
 * The module’s verbs, for a program that embeds Vinculum instead of calling its routes. Refusals are values of the
 * error catalogue.
 */
export function createOAuth({ flows, links, tokens }: OAuthParts) {
  const originOf = ({ ip, userAgent }: Context): Origin => ({
    ip: ip === undefined ? null : readIp(ip),
    userAgent: userAgent ?? null,
    requestId: null,
  })
  const signIn = (provider: string, { flowToken, ...callback }: Returned, context: Context, who: Who | null) => {
    const intent = who ? 'link' : 'login'
    return flows.signInWithProvider(provider, callback, {
      binding: flowToken,
      origin: originOf(context),
      browser: false,
      who,
      intent,
    })
  }

  return {
    /** Begins a sign-in, or with `who` a linking. The redirect URI is chosen by key. `expiresIn` is in seconds. */
    async authorizeUrl(
      provider: string,
      redirectUriKey = 'default',
      data: { who?: Who } = {},
    ): Promise<
      Result<{ authorizeUrl: URL; state: string; flowToken: string; expiresIn: number }, AppError<BeginCode>>
    > {
      const begun = await flows.begin({ provider, redirectUriKey, ...(data.who ? { visitor: data.who } : {}) })
      if (!begun.ok) return begun
      const { url, state, binding, expiresIn } = begun.value
      return ok({ authorizeUrl: url, state, flowToken: binding, expiresIn })
    },

    /** Finishes a sign-in: the person, a token pair, what the provider called them, and what was done. */
    async authenticateWithCode(
      provider: string,
      returned: Returned,
      context: Context = {},
    ): Promise<
      Result<
        { user: Account; tokens: TokenPair; providerInfo: ProviderInfo; action: Action },
        AppError<ProviderSignInCode>
      >
    > {
      const entered = await signIn(provider, returned, context, null)
      if (!entered.ok) return entered
      // Without a `who` only a sign-in can be finished.
      if (entered.value.tag !== 'signed_in') return fail('flow_mismatch')
      const { account, identity, action, session } = entered.value
      return ok({
        user: account,
        tokens: tokens.pair(session),
        providerInfo: infoOf(identity),
        action,
      })
    },

    /** Finishes a linking that `authorizeUrl` began for the same `who`. */
    async linkAccount(
      who: Who,
      provider: string,
      returned: Returned,
      context: Context = {},
    ): Promise<Result<LinkedAccount, AppError<ProviderSignInCode>>> {
      const entered = await signIn(provider, returned, context, who)
      if (!entered.ok) return entered
      // With a `who` and this intent only a linking can be finished.
      return 'identity' in entered.value ? ok(linkedOf(entered.value.identity)) : fail('flow_mismatch')
    },

    /**
     * Refuses what is not linked, and the last usable sign-in method. The embedding program makes sure that the user
     * signed in recently; the routes of the service do so themselves.
     */
    unlinkAccount: (who: Who, identityId: string, context: Context = {}) =>
      flows.unlink({ ...who, identityId }, originOf(context)),

    listLinkedAccounts: async (accountId: string): Promise<readonly LinkedAccount[]> =>
      (await links.list(accountId)).map(linkedOf),

    /** What the provider says now, through the cache. */
    getUserInfoFromProvider: (
      accountId: string,
      identityId: string,
    ): Promise<Result<ProfileReading, AppError<UserInfoCode>>> => flows.readUserInfo(accountId, identityId),
  }
}

const infoOf = ({ provider, subject, email }: Identity): ProviderInfo => ({
  provider,
  providerUserId: subject,
  providerEmail: email,
})
const linkedOf = (identity: Identity): LinkedAccount => ({
  ...infoOf(identity),
  id: identity.id,
  linkedAt: identity.linkedAt,
})
