import argon2 from 'argon2'
import { type AppError, fail } from '../errors/catalogue.ts'
import { ok, type Result } from '../kernel/result.ts'

/** OWASP's least for Argon2id: 19 MiB, two passes, one lane. */
const parameters = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

const least = 12
const most = 128

/** What people choose, and how it is kept. */
export function createPasswords() {
  return {
    /** A password as it is kept (NFC, so that one keyboard's é is another's), or why it is not taken. */
    accept(password: string): Result<string, AppError<'password_rejected'>> {
      const normal = password.normalize('NFC')
      const { length } = [...normal]
      return length < least || length > most ? fail('password_rejected') : ok(normal)
    },
    hash: (password: string): Promise<string> => argon2.hash(password, parameters),
    /** `null`: there is no such account, and it takes as long to say so. */
    verify: async (hash: string | null, password: string): Promise<boolean> =>
      hash !== null && argon2.verify(hash, password.normalize('NFC')),
  }
}
export type Passwords = ReturnType<typeof createPasswords>
