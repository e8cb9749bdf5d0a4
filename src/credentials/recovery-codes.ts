import { hmac } from '../kernel/crypto.ts'
import type { Ids, Random } from '../kernel/ids.ts'
import { readTypedCode } from '../kernel/typed-code.ts'
import type { RecoveryCode } from './ports.ts'

/** Crockford's base 32, without i, l, o and u: characters on paper cannot be confused. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const groups = 4
const perGroup = 4
const howMany = 10

type RecoveryCodesParts = { ids: Ids; random: Random; keys: readonly [Buffer, ...Buffer[]] }

/**
 * Ten recovery codes of 80 bits each, for users who have lost their second factor. They are stored as keyed hashes, so
 * that the database alone does not allow guessing. The first of `keys` creates the hashes; all of them verify codes.
 */
export function createRecoveryCodes({ ids, random, keys }: RecoveryCodesParts) {
  const hash = (key: Buffer, accountId: string, code: string): string => hmac(key, `${accountId}.${code}`)

  return {
    make(accountId: string): { shown: readonly string[]; rows: readonly RecoveryCode[] } {
      const codes = Array.from({ length: howMany }, () =>
        // 256 is a multiple of 32, so every character is equally likely.
        Array.from(random(groups * perGroup), (byte) => alphabet[byte % alphabet.length]).join(''),
      )
      return {
        shown: codes.map((code) => code.replace(/.{4}(?=.)/g, '$&-')),
        rows: codes.map((code) => ({ id: ids('rec'), codeHash: hash(keys[0], accountId, code) })),
      }
    },
    /** The possible hashes of a typed code; none if it is not a valid code. Case does not matter. */
    hashes(accountId: string, typed: string): readonly string[] {
      const code = readTypedCode(typed).toLowerCase().replaceAll('o', '0').replace(/[il]/g, '1')
      if (code.length !== groups * perGroup) return []
      return keys.map((key) => hash(key, accountId, code))
    },
  }
}
export type RecoveryCodes = ReturnType<typeof createRecoveryCodes>
