import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { repairedText, textFault } from '../../src/settings/text.ts'

/** Printable ASCII without padding or surrounding quotation marks. */
const plain = fc
  .stringMatching(/^[\x21-\x7e]([\x20-\x7e]{0,60}[\x21-\x7e])?$/)
  .filter((text) => !/^(["'`]).*\1$/.test(text))

/** Characters rejected in any position. */
const characters: readonly (readonly [string, string])[] = [
  ['a line feed', '\n'],
  ['a carriage return', '\r'],
  ['a next line', '\u0085'],
  ['a line separator', '\u2028'],
  ['a NUL', '\0'],
  ['a tab', '\t'],
  ['an escape', '\x1b'],
  ['a byte order mark', '\ufeff'],
  ['a zero-width space', '\u200b'],
  ['a word joiner', '\u2060'],
  ['a soft hyphen', '\u00ad'],
  ['a right-to-left override', '\u202e'],
  ['an invisible separator', '\u2063'],
  ['a combining grapheme joiner', '\u034f'],
  ['a Hangul filler', '\u3164'],
  ['a blank Braille pattern', '\u2800'],
  ['a tag', '\u{e0041}'],
  ['a lone surrogate', '\ud83d'],
  ['a replacement character', '\ufffd'],
]

describe('the text of a setting', () => {
  test('may be any printable ASCII', () => {
    fc.assert(
      fc.property(plain, (text) => {
        expect(textFault(text)).toBeUndefined()
        expect(textFault(text, 'display')).toBeUndefined()
        expect(repairedText(text)).toBe(text)
      }),
    )
  })

  test('may be other letters', () => {
    for (const text of ['https://münchen.example', '日本語', 'Größe “M”', '"a" or "b'])
      expect(textFault(text)).toBeUndefined()
  })

  test.each(characters)('never contains %s, in any position', (_, character) => {
    fc.assert(
      fc.property(plain, fc.nat(), (text, at) => {
        const cut = at % (text.length + 1)
        const bad = text.slice(0, cut) + character + text.slice(cut)
        for (const use of ['exact', 'display'] as const) expect(textFault(bad, use)).toMatch(/^(must|contains) /)
        expect(textFault(repairedText(bad))).toBeUndefined()
      }),
    )
  })

  test('may have line breaks where it has lines, and nothing else that is rejected', () => {
    for (const text of ['a\nb', 'a\r\nb\r\n', '\n a \n']) expect(textFault(text, 'lines')).toBeUndefined()
    for (const [name, character] of characters.filter(([, one]) => !/[\r\n]/.test(one)))
      expect(textFault(`a${character}b`, 'lines'), name).toMatch(/^(must|contains) /)
    expect(textFault('"a\nb"', 'lines')).toMatch(/quotation marks/)
  })

  test.each([' ', '\u00a0', '\u2003', '\u3000'])('neither begins nor ends with white space (%j)', (space) => {
    fc.assert(
      fc.property(plain, (text) => {
        for (const bad of [space + text, text + space])
          for (const use of ['exact', 'display'] as const) expect(textFault(bad, use)).toMatch(/^must not begin or end/)
      }),
    )
  })

  test.each(['""', "''", '``', '“”', '„“', '‘’', '«»'])('is not surrounded by %s', (pair) => {
    fc.assert(
      fc.property(plain, (text) => {
        expect(textFault(`${pair[0]}${text}${pair[1]}`)).toBe('must not be surrounded by quotation marks')
      }),
    )
    expect(textFault(pair)).toBe('must not be surrounded by quotation marks')
  })

  test('contains only ordinary spaces, where a program compares it', () => {
    expect(textFault('a\u00a0b')).toMatch(/unusual space/)
    expect(textFault('Caf\u00e9\u00a0Central', 'display')).toBeUndefined()
  })

  test('may join letters and emoji where people read it', () => {
    for (const name of ['👩‍💻 Dev', '❤️', 'می‌خواهم']) {
      expect(textFault(name, 'display')).toBeUndefined()
      expect(textFault(name)).toMatch(/invisible/)
    }
  })

  test('is never part of its error message', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (noise) => {
        const text = `S3CR3T${noise}S3CR3T\n`
        expect(textFault(text)).not.toContain('S3CR3T')
      }),
    )
  })

  test('is repaired to an accepted text, or to nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const repaired = repairedText(text)
        expect([
          undefined,
          'must not be surrounded by quotation marks',
          'contains a no-break or other unusual space; type the value again',
        ]).toContain(textFault(repaired))
      }),
    )
  })
})
