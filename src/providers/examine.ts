/** Tests an operator's provider settings, and judges them by the provider's responses. */
import { type Random, secretToken } from '../kernel/ids.ts'
import type { Result } from '../kernel/result.ts'
import type { Failure } from './calls/failure.ts'
import type { ProviderState } from './live/state.ts'
import type { Definition, Endpoints } from './provider.ts'

export type Examination = {
  /** Whether the endpoints come from a discovery document. */
  readonly discovers: boolean
  readonly endpoints: Result<Endpoints, Failure>
  /** `null` if the endpoints are unknown and no request was made. */
  readonly client: ClientVerdict | null
}

/** What the response of the token endpoint shows about the client. `code` is the provider's error code. */
export type ClientVerdict =
  /** It rejected the code, so it accepted the client. */
  | { readonly tag: 'accepted'; readonly code: string }
  | { readonly tag: 'rejected'; readonly code: string }
  /** The redirect URI is not registered. */
  | { readonly tag: 'wrong_redirect_uri'; readonly code: string }
  | { readonly tag: 'unanswered'; readonly failure: Failure }
  /** It rejected something else first, or nothing at all. */
  | { readonly tag: 'unclear'; readonly code: string | null }

/**
 * Tests the settings of a provider for the operator. It sends a made-up code to the token endpoint. That has no effect:
 * providers authenticate the client before they check the code (RFC 6749 §4.1.3, §5.2).
 */
export async function examineClient(
  { definition, settings, ready, handshake }: ProviderState,
  random: Random,
): Promise<Examination> {
  const discovers = definition.openid?.required === true && settings.issuer !== undefined
  const endpoints = await ready()
  if (!endpoints.ok) return { discovers, endpoints, client: null }
  const redirectUri = settings.redirectUris.default ?? ''
  const asked = { code: `doctor-${secretToken(random)}`, state: 'doctor', verifier: secretToken(random), redirectUri }
  const answer = await handshake.finish(asked)
  return {
    discovers,
    endpoints,
    client: answer.ok ? { tag: 'unclear', code: null } : judgeClient(answer.error, definition),
  }
}

/** RFC 6749 §5.2: client authentication failed, or the client may not use authorization codes. */
const aboutClient = new Set(['invalid_client', 'unauthorized_client'])

/** Judges the rejection of a code that was never issued. */
export function judgeClient(failure: Failure, { refusals = {}, unknownCode }: Definition): ClientVerdict {
  if (failure.kind !== 'refused') return { tag: 'unanswered', failure }
  const { code, status } = failure
  if (code === null) return status === 401 ? { tag: 'rejected', code: failure.reason } : { tag: 'unclear', code: null }
  if (code === 'invalid_grant' || code === unknownCode) return { tag: 'accepted', code }
  if (code === 'redirect_uri_mismatch') return { tag: 'wrong_redirect_uri', code }
  const isRejected = refusals[code] === 'client_config' || aboutClient.has(code)
  return { tag: isRejected ? 'rejected' : 'unclear', code }
}
