import { availableParallelism } from 'node:os'
import argon2 from 'argon2'
import { type AppError, fail } from '../errors/catalogue.ts'
import { createBounded } from '../kernel/bounded.ts'
import { type Random, secretToken } from '../kernel/ids.ts'
import { ok, type Result } from '../kernel/result.ts'
import { isAboutPerson, isCommon, type PasswordOwner } from './blocklist.ts'

/** In code points. Longer than anyone types, and short enough to limit the cost of hashing. */
export const longestPassword = 256

/** Why a password was rejected: the `reason` of `password_rejected`. */
export type PasswordFault = 'too_short' | 'too_long' | 'too_common' | 'too_personal'

export type PasswordPolicy = {
  /** In code points. */
  readonly leastLength: number
  readonly memoryKib: number
  readonly passes: number
  readonly lanes: number
}

type PasswordsParts = {
  policy: PasswordPolicy
  random: Random
  /** Words about this service that must not be the password: its name, its host. */
  words: readonly string[]
}

/** How many hashes may wait: enough for 200 people who sign in at the same time. */
const waiting = 256

/**
 * Checks and hashes passwords with Argon2id (OWASP: 19 MiB, two passes, one lane, or stronger). Hashing runs in libuv's
 * threads. One core stays free for other requests. If hundreds are waiting, further calls fail with `BusyError`.
 */
export function createPasswords({ policy, random, words }: PasswordsParts) {
  const { leastLength, memoryKib: memoryCost, passes: timeCost, lanes: parallelism } = policy
  const strength = { memoryCost, timeCost, parallelism }
  const enqueue = createBounded('password hashing', { atOnce: Math.max(1, availableParallelism() - 1), waiting })
  const hash = (password: string): Promise<string> =>
    enqueue(() => argon2.hash(password, { type: argon2.argon2id, ...strength }))

  let dummy: Promise<string> | undefined
  /**
   * A hash to verify if there is no account. It is created before the first response, so that timing does not depend on
   * the account.
   */
  const dummyHash = (): Promise<string> => {
    dummy ??= hash(secretToken(random)).catch((error: unknown) => {
      dummy = undefined
      throw error
    })
    return dummy
  }

  const rejected = (reason: PasswordFault) =>
    fail('password_rejected', { least: String(leastLength), most: String(longestPassword) }, { extra: { reason } })

  return {
    /**
     * Returns a password in the form that is hashed (NFC, so that an é from any keyboard matches), or why it is
     * rejected. There are no composition rules, since they make passwords weaker (NIST SP 800-63B-4 §3.1.1.2).
     */
    accept(password: string, about: PasswordOwner = {}): Result<string, AppError<'password_rejected'>> {
      const normal = password.normalize('NFC')
      const { length } = [...normal]
      if (length < leastLength) return rejected('too_short')
      if (length > longestPassword) return rejected('too_long')
      if (isAboutPerson(normal, about, words)) return rejected('too_personal')
      return isCommon(normal) ? rejected('too_common') : ok(normal)
    },
    hash,
    /** `null`: there is no such account, or it has no password. The check takes the same time then. */
    async verify(known: string | null, password: string): Promise<boolean> {
      const other = await dummyHash()
      const right = await enqueue(() => argon2.verify(known ?? other, password.normalize('NFC')))
      return right && known !== null
    },
    /** Whether it was hashed with other parameters than the current ones. */
    isOutdated: (known: string): boolean => argon2.needsRehash(known, strength),
  }
}
export type Passwords = ReturnType<typeof createPasswords>
