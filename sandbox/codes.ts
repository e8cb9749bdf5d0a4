/**
 * Authorization codes: bound to provider, application, redirect address, PKCE challenge, person and scope; good once and for
 * ten minutes of the sandbox's clock. Which words a provider refuses them with is the provider's affair.
 */
import { createHash } from 'node:crypto'
import type { ProviderId } from './exchange.ts'

export type Challenge = { readonly value: string; readonly method: 'S256' | 'plain' }
export type Code = {
  readonly value: string
  readonly provider: ProviderId
  readonly clientId: string
  readonly redirectUri: string
  readonly person: string
  readonly scopes: readonly string[]
  readonly challenge: Challenge | undefined
  readonly nonce?: string | undefined
  /** Whether this consent entitles to a refresh token. */
  readonly offline: boolean
}

const LIFETIME_MS = 10 * 60_000

export function createCodes(now: () => Date) {
  const codes = new Map<string, { code: Code; issuedAt: number; spent: boolean }>()
  return {
    issue(code: Code): string {
      codes.set(code.value, { code, issuedAt: now().getTime(), spent: false })
      return code.value
    },
    /** The code, if this application may trade it now. Looking does not spend it. */
    find(provider: ProviderId, clientId: string, value: string): Code | undefined {
      const held = codes.get(value)
      if (held === undefined || held.spent || held.code.provider !== provider) return undefined
      if (held.code.clientId !== clientId || now().getTime() - held.issuedAt > LIFETIME_MS) return undefined
      return held.code
    },
    spend(value: string) {
      const held = codes.get(value)
      if (held !== undefined) held.spent = true
    },
    reset: () => codes.clear(),
  }
}
export type Codes = ReturnType<typeof createCodes>

export function challengeOf(query: URLSearchParams): Challenge | undefined | 'refused' {
  const value = query.get('code_challenge')
  if (!value) return undefined
  const method = query.get('code_challenge_method') ?? 'plain'
  return method === 'S256' || method === 'plain' ? { value, method } : 'refused'
}

/** How a verifier relates to the challenge sent before it (RFC 7636 section 4.6). */
export function verify(challenge: Challenge | undefined, verifier: string | undefined) {
  if (challenge === undefined) return verifier === undefined ? 'ok' : 'superfluous'
  if (verifier === undefined) return 'missing'
  const proof = challenge.method === 'plain' ? verifier : createHash('sha256').update(verifier).digest('base64url')
  return proof === challenge.value ? 'ok' : 'wrong'
}
