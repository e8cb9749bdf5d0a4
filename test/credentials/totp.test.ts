import { Secret } from 'otpauth'
import { describe, expect, test } from 'vitest'
import { createTotp } from '../../src/credentials/totp.ts'
import { UnopenableError } from '../../src/kernel/crypto.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { newSealer } from '../support/sealers.ts'

const issuer = 'id.example'

/** RFC 6238, appendix B, the rows for SHA-1; the last six of its eight digits. */
const vectors = [
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
] as const
const rfcSecret = Buffer.from('12345678901234567890')

describe('authenticator app codes', () => {
  test.each(vectors)('match RFC 6238 at second %d', async (seconds, code) => {
    const totp = createTotp({
      sealer: newSealer(),
      clock: () => new Date(seconds * 1000),
      random: () => rfcSecret,
      issuer,
    })
    const { factor, secret } = await totp.make('usr_1')
    expect(secret).toBe(Secret.fromLatin1('12345678901234567890').base32)
    expect(await totp.stepOf(factor, code)).toBe(Math.floor(seconds / 30))
  })

  test('may be one time step early or late, and no more', async () => {
    let at = 0
    const totp = createTotp({
      sealer: newSealer(),
      clock: () => new Date(at * 1000),
      random: () => rfcSecret,
      issuer,
    })
    const { factor } = await totp.make('usr_1')
    // Its time step ends with this second.
    const [end, code] = vectors[1]
    const step = Math.floor(end / 30)
    const taken: (number | null)[] = []
    for (const later of [-60, -59, -29, 0, 1, 30, 31]) {
      at = end + later
      taken.push(await totp.stepOf(factor, code))
    }
    expect(taken).toEqual([null, step, step, step, step, step, null])
  })

  test.each(['', '28708', '2870820', 'abcdef', '287 82', '-87082', '28708²2', '28708\u0663x'])(
    'are never “%s”',
    async (code) => {
      const totp = createTotp({ sealer: newSealer(), clock: () => new Date(59_000), random: () => rfcSecret, issuer })
      expect(await totp.stepOf((await totp.make('usr_1')).factor, code)).toBe(null)
    },
  )

  test('use a secret of 160 bits, encrypted for their account', async () => {
    const totp = createTotp({ sealer: newSealer(), clock: () => new Date(), random: systemRandom, issuer })
    const [one, two] = [await totp.make('usr_1'), await totp.make('usr_1')]
    expect(one.secret).not.toBe(two.secret)
    expect(Secret.fromBase32(one.secret).buffer.byteLength).toBe(20)
    expect(one.factor.secret).not.toContain(one.secret)
    expect(totp.open(one.factor)).toBe(one.secret)
    expect(() => totp.open({ ...one.factor, accountId: 'usr_2' })).toThrow(UnopenableError)
  })

  test('are set up by a URI in the format every app reads', async () => {
    const totp = createTotp({ sealer: newSealer(), clock: () => new Date(), random: () => rfcSecret, issuer })
    const uri = new URL(await totp.uri((await totp.make('usr_1')).secret, 'ada+x@example.com'))
    expect([uri.protocol, uri.host, decodeURIComponent(uri.pathname)]).toEqual([
      'otpauth:',
      'totp',
      '/id.example:ada+x@example.com',
    ])
    expect(Object.fromEntries(uri.searchParams)).toEqual({
      issuer,
      secret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
      algorithm: 'SHA1',
      digits: '6',
      period: '30',
    })
  })
})
