import { type AppError, fail } from '../errors/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { pkceChallenge, sameSecret, sha256 } from '../kernel/crypto.ts'
import { type Random, secretToken } from '../kernel/ids.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { SignInCode, SignInCodeStore } from './ports.ts'

const ttlSeconds = 60

type Parts = { codes: SignInCodeStore; clock: Clock; random: Random }

/**
 * One-time codes for apps on another origin: tokens never travel in a URL, a code worth nothing without the app's PKCE
 * verifier does (RFC 6749 §4.1, RFC 7636).
 */
export function createSignInCodes({ codes, clock, random }: Parts) {
  return {
    async issue(about: Omit<SignInCode, 'codeHash' | 'expiresAt' | 'usedAt'>): Promise<string> {
      const code = secretToken(random)
      await codes.issue({
        ...about,
        codeHash: sha256(code),
        expiresAt: secondsAfter(clock(), ttlSeconds),
        usedAt: null,
      })
      return code
    },

    /**
     * Spends a code. `replayed` names the session of a code that was spent before: somebody saw it, so its session
     * should end (RFC 6749 §4.1.2). A wrong verifier does not spend it: whoever stole only the code cannot burn it
     * either.
     */
    async spend(
      code: string,
      verifier: string,
    ): Promise<Result<SignInCode, AppError<'code_invalid'> & { replayed?: SignInCode }>> {
      const found = await codes.find(sha256(code))
      const now = clock()
      if (!found || !sameSecret(pkceChallenge(verifier), found.codeChallenge)) return fail('code_invalid')
      const replayed = (): Result<never, AppError<'code_invalid'> & { replayed?: SignInCode }> => ({
        ok: false,
        error: { ...fail('code_invalid').error, replayed: found },
      })
      if (found.usedAt) return replayed()
      if (found.expiresAt <= now) return fail('code_invalid')
      return (await codes.spend(found.codeHash, now)) ? ok(found) : replayed()
    },
  }
}
export type SignInCodes = ReturnType<typeof createSignInCodes>
