/** What a provider's answers say about the settings an operator made for it. */
import type { Result } from '../kernel/result.ts'
import type { Failure } from './calls/failure.ts'
import type { Definition, Endpoints } from './provider.ts'

export type Examination = {
  /** Whether the endpoints come from a discovery document. */
  readonly discovers: boolean
  readonly endpoints: Result<Endpoints, Failure>
  /** `null` where the endpoints are not known, so that nobody was asked. */
  readonly client: ClientVerdict | null
}

/** What the token endpoint said about the client. `code` is the provider's error code. */
export type ClientVerdict =
  /** It refused the code, and so not the client. */
  | { readonly tag: 'accepted'; readonly code: string }
  | { readonly tag: 'rejected'; readonly code: string }
  /** The redirect URI is not registered. */
  | { readonly tag: 'wrong_redirect_uri'; readonly code: string }
  | { readonly tag: 'unanswered'; readonly failure: Failure }
  /** Something else was refused first, or nothing was. */
  | { readonly tag: 'unclear'; readonly code: string | null }

/** RFC 6749 §5.2: the client is not the one it says it is, or may not use codes. */
const aboutClient = new Set(['invalid_client', 'unauthorized_client'])

/** Judges the refusal of a code that nobody issued. */
export function judgeClient(failure: Failure, { refusals = {}, unknownCode }: Definition): ClientVerdict {
  if (failure.kind !== 'refused') return { tag: 'unanswered', failure }
  const { code, status } = failure
  if (code === null) return status === 401 ? { tag: 'rejected', code: failure.reason } : { tag: 'unclear', code: null }
  if (code === 'invalid_grant' || code === unknownCode) return { tag: 'accepted', code }
  if (code === 'redirect_uri_mismatch') return { tag: 'wrong_redirect_uri', code }
  const isRejected = refusals[code] === 'client_config' || aboutClient.has(code)
  return { tag: isRejected ? 'rejected' : 'unclear', code }
}
