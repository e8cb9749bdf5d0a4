import { type AppError, fail } from '../errors/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { pkceChallenge, sameSecret, sha256 } from '../kernel/crypto.ts'
import { type Random, secretToken } from '../kernel/ids.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { OneTimeCode, SignInCodeStore } from './ports.ts'

const ttlSeconds = 60
/** Of the part nobody can guess, in characters of base64url: 192 bits. */
const secretLength = 32

type SignInCodesParts = {
  codes: SignInCodeStore
  clock: Clock
  random: Random
  /** Where codes may be sent: the list's entry that allows an application, and whether it is still on the list. */
  returns: { entryFor(returnTo: string): string | undefined; hasEntry(name: string): boolean }
}

/**
 * One-time codes for apps on another origin: tokens never travel in a URL, a code worth nothing without the app's PKCE
 * verifier does (RFC 6749 §4.1, RFC 7636).
 */
export function createSignInCodes({ codes, clock, random, returns }: SignInCodesParts) {
  return {
    /**
     * For an application that may be returned to: a sign-in for any other ends before it has a session. The code ends
     * with the name of the entry that allows it, so that it is invalid once that entry is off the list; its hash
     * covers the whole of it.
     */
    async issue(about: Omit<OneTimeCode, 'codeHash' | 'expiresAt' | 'usedAt'>, returnTo: string): Promise<string> {
      const entry = returns.entryFor(returnTo)
      if (entry === undefined) throw new Error('a sign-in came through to an application that is not allowed')
      const code = `${secretToken(random).slice(0, secretLength)}${entry}`
      await codes.issue({
        ...about,
        codeHash: sha256(code),
        expiresAt: secondsAfter(clock(), ttlSeconds),
        usedAt: null,
      })
      return code
    },

    /**
     * Spends a code, whatever the verifier: a code that was presented with a wrong one has leaked, and may not be
     * tried again. `compromised` names the code whose session should end: one that was spent before (RFC 6749
     * §4.1.2), or one spent just now without its verifier, whose session nobody can get any more. A wrong verifier for
     * a spent code proves nothing, and ends nothing.
     */
    async spend(
      code: string,
      verifier: string,
    ): Promise<Result<OneTimeCode, AppError<'code_invalid'> & { compromised?: OneTimeCode }>> {
      const entry = code.slice(secretLength)
      if (!returns.hasEntry(entry)) return fail('code_invalid')
      const found = await codes.find(sha256(code))
      const now = clock()
      if (!found) return fail('code_invalid')
      const compromised = { ok: false, error: { ...fail('code_invalid').error, compromised: found } } as const
      const proven = sameSecret(pkceChallenge(verifier), found.codeChallenge)
      if (found.usedAt) return proven ? compromised : fail('code_invalid')
      if (found.expiresAt <= now) return fail('code_invalid')
      const spent = await codes.spend(found.codeHash, now)
      if (spent) return proven ? ok(found) : compromised
      return proven ? compromised : fail('code_invalid')
    },
  }
}
export type SignInCodes = ReturnType<typeof createSignInCodes>
