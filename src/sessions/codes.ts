import { type AppError, fail } from '../errors/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { pkceChallenge, sameSecret, sha256 } from '../kernel/crypto.ts'
import { type Random, secretToken } from '../kernel/ids.ts'
import { mayRepeat } from '../kernel/repeated-request.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { OneTimeCode, SignInCodeStore } from './ports.ts'

const ttlSeconds = 60
/** Length of the random part, in characters of base64url: 192 bits. */
const secretLength = 32

type SignInCodesParts = {
  codes: SignInCodeStore
  clock: Clock
  random: Random
  /** Where codes can be sent: the list entry that allows an application, and whether it is still listed. */
  returns: { entryFor(returnTo: string): string | undefined; hasEntry(name: string): boolean }
}

/**
 * One-time codes for apps on another origin. Tokens never travel in a URL. A code does, but is useless without the
 * app's PKCE verifier (RFC 6749 §4.1, RFC 7636).
 */
export function createSignInCodes({ codes, clock, random, returns }: SignInCodesParts) {
  return {
    /**
     * Issues a code for an allowed application; a sign-in for another one has failed before. The code ends with the
     * name of the list entry, so that it becomes invalid when that entry is removed. Its hash covers all of it.
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

    /** A code of an application that is still allowed, used or not. */
    async find(code: string): Promise<OneTimeCode | undefined> {
      return returns.hasEntry(code.slice(secretLength)) ? codes.find(sha256(code)) : undefined
    },

    /**
     * Uses a code up, whatever the verifier: a code presented with a wrong verifier has leaked and must not be tried
     * again. `compromised`: its session should end. The code was used before (RFC 6749 §4.1.2), or it is used now
     * without its verifier, so that nobody can get its session. A wrong verifier for a used code proves nothing and ends
     * nothing. Neither does what may be a repetition of the request that used the code: `usedGeneration` is that of the
     * session.
     */
    async spend(
      found: OneTimeCode,
      verifier: string,
      usedGeneration: number,
    ): Promise<Result<void, AppError<'code_invalid'> & { compromised?: true }>> {
      const now = clock()
      const compromised = { ok: false, error: { ...fail('code_invalid').error, compromised: true } } as const
      const proven = sameSecret(pkceChallenge(verifier), found.codeChallenge)
      if (!found.usedAt && found.expiresAt <= now) return fail('code_invalid')
      if (!found.usedAt && (await codes.spend(found.codeHash, now))) return proven ? ok(undefined) : compromised
      // A concurrent request has just used it, if it was unused before.
      return !proven || mayRepeat({ usedAt: found.usedAt ?? now, usedGeneration }, clock)
        ? fail('code_invalid')
        : compromised
    },
  }
}
export type SignInCodes = ReturnType<typeof createSignInCodes>
