/** Revokes tokens at the provider. A token that it does not know counts as revoked (RFC 7009 §2.2). */
import type { Result } from '../../kernel/result.ts'
import { authenticated, basic } from '../passport/strategy.ts'
import type { Definition, Endpoints, ProviderSettings, RevocationOutcome } from '../provider.ts'
import type { Failure } from './failure.ts'
import type { Answer, Guard } from './guard.ts'

export type RevocableTokens = { readonly accessToken: string; readonly refreshToken: string | null }

type RevokeTokenParts = { settings: ProviderSettings; endpoints: Endpoints; guard: Guard }

/** Revokes one token. `known: false` if the provider does not know the token. */
export async function revokeToken(
  style: Definition['revocation'],
  { accessToken, refreshToken }: RevocableTokens,
  { settings, endpoints, guard }: RevokeTokenParts,
): Promise<RevocationOutcome & { known?: boolean }> {
  const url = endpoints.revoke
  if (url === null) return { tag: 'not_supported' }
  const post = (form: Record<string, string>, auth: boolean): Promise<Result<Answer, Failure>> => {
    const body = new URLSearchParams(form).toString()
    const plain = { headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body }
    const proven = auth ? authenticated(body, settings, endpoints.clientAuth) : plain
    return guard.call({ endpoint: 'revoke', method: 'POST', url, expects: 'anything', ...proven })
  }

  switch (style) {
    case 'google': {
      // One token revokes the whole consent, for every client of the Google Cloud project:
      // https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke
      const answer = await post({ token: refreshToken ?? accessToken }, false)
      return sort(answer, ({ code }) => code === 'invalid_token')
    }
    case 'github': {
      // https://docs.github.com/rest/apps/oauth-applications#delete-an-app-token: a JSON body, and Basic authentication
      // without form-encoding.
      const answer = await guard.call({
        endpoint: 'revoke',
        method: 'DELETE',
        url,
        expects: 'anything',
        headers: {
          Accept: 'application/vnd.github+json',
          'Content-Type': 'application/json',
          Authorization: basic(settings.clientId, settings.clientSecret),
        },
        body: JSON.stringify({ access_token: accessToken }),
      })
      return sort(answer, ({ status }) => status === 404 || status === 422)
    }
    case 'rfc7009': {
      // Prefer the refresh token: its access tokens are revoked with it (§2.1).
      const token = refreshToken ?? accessToken
      const answer = await post(
        { token, token_type_hint: refreshToken === null ? 'access_token' : 'refresh_token' },
        true,
      )
      if (!answer.ok && isMissing(answer.error)) return { tag: 'not_supported' }
      return sort(answer, ({ code }) => code === 'invalid_token')
    }
  }
}

/** There is no usable revocation endpoint, and a retry will not change that. */
const isMissing = (failure: Failure): boolean =>
  failure.kind === 'refused'
    ? [404, 405].includes(failure.status) || failure.code === 'unsupported_token_type'
    : failure.reason === 'status_501'

type RefusedCall = Extract<Failure, { kind: 'refused' }>

function sort(
  answer: Result<Answer, Failure>,
  unknown: (refused: RefusedCall) => boolean,
): RevocationOutcome & { known?: boolean } {
  if (answer.ok) return { tag: 'revoked', known: true }
  const { error } = answer
  if (error.kind === 'refused' && unknown(error)) return { tag: 'revoked', known: false }
  const retryAfter = error.kind === 'unavailable' ? error.retryAfter : undefined
  return { tag: 'transient', reason: error.reason, ...(retryAfter === undefined ? {} : { retryAfter }) }
}
