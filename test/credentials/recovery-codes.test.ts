import { describe, expect, test } from 'vitest'
import { createRecoveryCodes } from '../../src/credentials/recovery-codes.ts'
import { createIds, systemRandom } from '../../src/kernel/ids.ts'

const ids = createIds(() => new Date(), systemRandom)
const [old, recent] = [systemRandom(32), systemRandom(32)]
const codesWith = (...keys: readonly [Buffer, ...Buffer[]]) => createRecoveryCodes({ ids, random: systemRandom, keys })

/** As a Japanese or Chinese keyboard writes it, hyphens included. */
const fullWidth = (text: string): string =>
  text.replace(/[!-~]/g, (character) => String.fromCodePoint((character.codePointAt(0) ?? 0) + 0xfee0))

describe('recovery codes', () => {
  const codes = codesWith(old)

  test('are ten, of 80 bits each, in unambiguous letters', () => {
    const { shown, rows } = codes.make('usr_1')
    expect(shown).toHaveLength(10)
    expect(new Set([...shown, ...rows.map(({ codeHash }) => codeHash)]).size).toBe(20)
    for (const code of shown)
      expect(code).toMatch(/^([0-9abcdefghjkmnpqrstvwxyz]{4}-){3}[0-9abcdefghjkmnpqrstvwxyz]{4}$/)
  })

  test('use each letter equally often', () => {
    const counts = new Map<string, number>()
    for (let set = 0; set < 200; set++)
      for (const letter of codes.make('usr_1').shown.join('').replaceAll('-', ''))
        counts.set(letter, (counts.get(letter) ?? 0) + 1)
    // 32,000 letters, 1000 of each: five standard deviations are 156.
    expect(counts.size).toBe(32)
    for (const [letter, count] of counts) expect(Math.abs(count - 1000), letter).toBeLessThan(160)
  })

  test('are recognized however they are typed', () => {
    const made = codes.make('usr_1')
    const [shown = ''] = made.shown
    const [row] = made.rows
    const misread = shown.replaceAll('0', 'O').replaceAll('1', 'l')
    for (const typed of [
      shown,
      shown.toUpperCase(),
      shown.replaceAll('-', ''),
      ` ${shown.replaceAll('-', ' ')} `,
      misread,
      fullWidth(shown),
      shown.replace(/\d/g, (digit) => String.fromCodePoint(0x0660 + Number(digit))),
      shown.replaceAll('-', '\u2013'),
    ])
      expect(codes.hashes('usr_1', typed), typed).toEqual([row?.codeHash])
  })

  test('belong to one account', () => {
    const { shown, rows } = codes.make('usr_1')
    expect(codes.hashes('usr_2', shown[0] ?? '')).not.toContain(rows[0]?.codeHash)
  })

  test.each(['', '0', '0000-0000-0000-000', '0000-0000-0000-00000'])('are never “%s”', (typed) => {
    expect(codes.hashes('usr_1', typed)).toEqual([])
  })

  test('stay valid after a key rotation while their key is kept', () => {
    const { shown, rows } = codes.make('usr_1')
    expect(codesWith(recent, old).hashes('usr_1', shown[0] ?? '')).toContain(rows[0]?.codeHash)
    expect(codesWith(recent).hashes('usr_1', shown[0] ?? '')).not.toContain(rows[0]?.codeHash)
  })
})
