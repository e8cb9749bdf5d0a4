import { hmac } from '../kernel/crypto.ts'
import type { Ids, Random } from '../kernel/ids.ts'
import { readTypedCode } from '../kernel/typed-code.ts'
import type { RecoveryCode } from './ports.ts'

/** Without i, l, o and u: what is read off paper is not mistaken for something else (Crockford's base 32). */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const groups = 4
const perGroup = 4
const howMany = 10

type RecoveryCodesParts = { ids: Ids; random: Random; keys: readonly [Buffer, ...Buffer[]] }

/**
 * Ten codes for whoever has lost their second factor, 80 bits each. Kept as keyed hashes, so that whoever reads the
 * database alone cannot even try; the first of `keys` makes them, and all of them recognise what is on paper.
 */
export function createRecoveryCodes({ ids, random, keys }: RecoveryCodesParts) {
  const hash = (key: Buffer, accountId: string, code: string): string => hmac(key, `${accountId}.${code}`)

  return {
    make(accountId: string): { shown: readonly string[]; rows: readonly RecoveryCode[] } {
      const codes = Array.from({ length: howMany }, () =>
        // 256 is a multiple of 32: no letter is likelier than another.
        Array.from(random(groups * perGroup), (byte) => alphabet[byte % alphabet.length]).join(''),
      )
      return {
        shown: codes.map((code) => code.replace(/.{4}(?=.)/g, '$&-')),
        rows: codes.map((code) => ({ id: ids('rec'), codeHash: hash(keys[0], accountId, code) })),
      }
    },
    /** What a code may be kept as; none for what is no code at all. Case does not matter. */
    hashes(accountId: string, typed: string): readonly string[] {
      const code = readTypedCode(typed).toLowerCase().replaceAll('o', '0').replace(/[il]/g, '1')
      if (code.length !== groups * perGroup) return []
      return keys.map((key) => hash(key, accountId, code))
    },
  }
}
export type RecoveryCodes = ReturnType<typeof createRecoveryCodes>
