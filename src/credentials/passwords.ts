import { availableParallelism } from 'node:os'
import argon2 from 'argon2'
import { type AppError, fail } from '../errors/catalogue.ts'
import { createBounded } from '../kernel/bounded.ts'
import { type Random, secretToken } from '../kernel/ids.ts'
import { ok, type Result } from '../kernel/result.ts'
import { type About, isCommon, isPersonal } from './blocklist.ts'

/** In code points. Longer than anybody types, and short enough that nobody is made to hash a book. */
export const longestPassword = 256

/** Why a password was not taken; `password_rejected` says it as `reason`. */
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
  /** Words of this service nobody may hide behind: its name, its host. */
  words: readonly string[]
}

/** How many may wait for their turn: 200 people who sign in together do. */
const waiting = 256

/**
 * What people choose, and how it is kept: Argon2id (OWASP: 19 MiB, two passes, one lane, or stronger). It is computed in
 * libuv's threads, one less at once than there are cores, so that everything else stays as quick as ever; whoever comes
 * when hundreds wait is told so (`BusyError`).
 */
export function createPasswords({ policy, random, words }: PasswordsParts) {
  const { leastLength, memoryKib: memoryCost, passes: timeCost, lanes: parallelism } = policy
  const strength = { memoryCost, timeCost, parallelism }
  const inTurn = createBounded('password hashing', { atOnce: Math.max(1, availableParallelism() - 1), waiting })
  const hash = (password: string): Promise<string> =>
    inTurn(() => argon2.hash(password, { type: argon2.argon2id, ...strength }))

  let dummy: Promise<string> | undefined
  /** What is verified where there is nothing to verify. Made before the first answer, whichever that is. */
  const nobody = (): Promise<string> => {
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
     * A password as it is kept (NFC, so that one keyboard's é is another's), or why it is not taken. Nothing is asked
     * of its composition: such rules make passwords worse (NIST SP 800-63B-4 §3.1.1.2).
     */
    accept(password: string, about: About = {}): Result<string, AppError<'password_rejected'>> {
      const normal = password.normalize('NFC')
      const { length } = [...normal]
      if (length < leastLength) return rejected('too_short')
      if (length > longestPassword) return rejected('too_long')
      if (isPersonal(normal, about, words)) return rejected('too_personal')
      return isCommon(normal) ? rejected('too_common') : ok(normal)
    },
    hash,
    /** `null`: there is no such account, or it has no password; it takes as long to say so. */
    async verify(known: string | null, password: string): Promise<boolean> {
      const other = await nobody()
      const right = await inTurn(() => argon2.verify(known ?? other, password.normalize('NFC')))
      return right && known !== null
    },
    /** Whether it was hashed otherwise than is asked for today. */
    isOutdated: (known: string): boolean => argon2.needsRehash(known, strength),
  }
}
export type Passwords = ReturnType<typeof createPasswords>
