import type { GrantKey } from '../connections/ports.ts'
import type { Renewal, TokenCode } from '../connections/renewal.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Err, Result } from '../kernel/result.ts'
import type { JiraFailure } from '../providers/jira-cloud.ts'
import type { Provider } from '../providers/provider.ts'

export type AskJiraCode =
  | TokenCode
  | 'provider_rate_limited'
  | 'jira_scope_missing'
  | 'jira_forbidden'
  /** The resource does not exist, or the user who connected has no access to it. */
  | 'jira_site_not_found'

/**
 * Calls Jira with a team's token. The token is checked before every use, and renewed once if Jira rejects it. A missing
 * scope has the same status, and a new token would not help.
 */
export function askJira({ ensureValidToken }: Pick<Renewal, 'ensureValidToken'>) {
  return async <T>(
    provider: Provider,
    key: GrantKey,
    ask: (accessToken: string) => Promise<Result<T, JiraFailure>>,
  ): Promise<Result<T, AppError<AskJiraCode>>> => {
    const token = await ensureValidToken(key)
    if (!token.ok) return token
    const first = await ask(token.value.accessToken)
    if (first.ok) return first
    if (first.error.tag !== 'token_refused') return refusal(provider, first.error)
    const another = await ensureValidToken(key, { refused: token.value.accessToken })
    if (!another.ok) return another
    const second = await ask(another.value.accessToken)
    return second.ok ? second : refusal(provider, second.error)
  }
}
export type AskJira = ReturnType<typeof askJira>

function refusal({ name }: Provider, failure: JiraFailure): Err<AppError<AskJiraCode>> {
  switch (failure.tag) {
    case 'rate_limited': {
      const { retryAfter } = failure
      return fail('provider_rate_limited', { provider: name, seconds: String(retryAfter) }, { retryAfter })
    }
    case 'scope_missing':
      return fail('jira_scope_missing', { scopes: failure.scopes.join(', ') })
    // A fresh token was rejected: Jira does not know the user who connected.
    case 'token_refused':
    case 'forbidden':
      return fail('jira_forbidden')
    case 'gone':
      return fail('jira_site_not_found')
    case 'unavailable': {
      const { retryAfter, reason } = failure
      return fail('provider_unavailable', { provider: name }, { retryAfter, cause: reason })
    }
  }
}
