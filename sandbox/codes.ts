/**
 * Authorization codes. Each is bound to application, redirect URI, PKCE challenge, user and scopes. It works once, for ten
 * minutes of the sandbox's clock. Each provider rejects codes with its own errors.
 */
import { createHash } from 'node:crypto'

export type Challenge = { readonly value: string; readonly method: 'S256' | 'plain' }
export type Code = {
  readonly value: string
  readonly clientId: string
  readonly redirectUri: string
  readonly person: string
  readonly scopes: readonly string[]
  readonly challenge: Challenge | undefined
  readonly nonce?: string | undefined
  /** Whether this consent includes a refresh token. */
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
    /** Returns the code if this application can exchange it now, without using it. */
    find(clientId: string, value: string): Code | undefined {
      const held = codes.get(value)
      if (held === undefined || held.spent) return undefined
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

/** Compares a verifier with the earlier challenge (RFC 7636 section 4.6). */
export function verify(challenge: Challenge | undefined, verifier: string | undefined) {
  if (challenge === undefined) return verifier === undefined ? 'ok' : 'superfluous'
  if (verifier === undefined) return 'missing'
  const proof = challenge.method === 'plain' ? verifier : createHash('sha256').update(verifier).digest('base64url')
  return proof === challenge.value ? 'ok' : 'wrong'
}
