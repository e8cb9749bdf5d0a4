import { z } from 'zod'
import type { AuthorizationStart } from '../../flows/begin-with-provider.ts'
import type { Account } from '../../kernel/account.ts'
import type { TokenPair as Pair } from '../../sessions/tokens.ts'
import { User, userOf } from './account.ts'

const pair = {
  access_token: z.string().describe('The access token: a signed JWT, sent as `Authorization: Bearer`'),
  refresh_token: z.string().describe('The refresh token; it works once, at `POST /auth/refresh`'),
  token_type: z.literal('bearer').describe('The type of the access token'),
  expires_in: z.number().int().describe('Seconds until the access token expires'),
  refresh_expires_in: z.number().int().describe('Seconds until the refresh token expires'),
}
export const TokenPairSchema = z
  .object(pair)
  .meta({ id: 'TokenPair', description: 'An access token and the refresh token that renews it' })

const ProviderInfo = z
  .object({
    provider: z.string().describe('The provider ID'),
    provider_user_id: z.string().describe('The ID of the user at the provider'),
  })
  .meta({ id: 'ProviderInfo', description: 'The provider identity that was used' })
const Action = z
  .enum(['login_existing', 'linked_existing', 'linked_new', 'created_new_user'])
  .meta({ id: 'SignInAction', description: 'What the sign-in did with the account' })

export const AuthResponse = z
  .object({ user: User, ...pair, provider_info: ProviderInfo, action: Action })
  .meta({ id: 'AuthResponse', description: 'A finished provider sign-in: the account and its tokens' })

/** A linking starts no session, so it returns no tokens. */
export const LinkResponse = z
  .object({ user: User, provider_info: ProviderInfo, action: Action })
  .meta({ id: 'LinkResponse', description: 'A linked provider identity; there are no new tokens' })

/** A trial creates nothing, so it returns no account. */
export const TrialResponse = z
  .object({
    provider: z.string().describe('The provider whose draft was tried'),
    tried: z.literal(true).describe('Always true'),
  })
  .meta({ id: 'TrialResponse', description: 'The draft of a provider was tried; read the result there' })

export type AuthResult = { account: Account; action: z.input<typeof Action>; provider: string; subject: string }
export const linkResponse = ({ account, action, provider, subject }: AuthResult): z.input<typeof LinkResponse> => ({
  user: userOf(account),
  provider_info: { provider, provider_user_id: subject },
  action,
})
export const authResponse = (entrance: AuthResult, tokens: Pair): z.input<typeof AuthResponse> => ({
  ...linkResponse(entrance),
  ...tokens,
})

/** A round trip that an app began: where to send the user, and what to return with. */
export const StartedFlow = z
  .object({
    authorize_url: z.string().describe('The page of the provider to open in the browser'),
    state: z.string().describe('The `state` the provider sends back; compare it'),
    flow_token: z.string().describe('The secret that finishes this flow; keep it in the app'),
    expires_in: z.number().int().describe('Seconds until the flow expires'),
  })
  .meta({ id: 'StartedFlow', description: 'A provider flow that an app started' })
export const startedFlow = ({ url, state, binding, expiresIn }: AuthorizationStart): z.input<typeof StartedFlow> => ({
  authorize_url: url.href,
  state,
  flow_token: binding,
  expires_in: expiresIn,
})

/** An email sign-in that an app began: what to send together with the code. */
export const StartedByMail = z
  .object({
    flow_token: z.string().describe('The secret to send back together with the emailed code'),
    expires_in: z.number().int().describe('Seconds until the code expires'),
  })
  .meta({ id: 'StartedByMail', description: 'A sign-in by email that was started' })
export const startedByMail = (sent: { binding: string; expiresIn: number }): z.input<typeof StartedByMail> => ({
  flow_token: sent.binding,
  expires_in: sent.expiresIn,
})
