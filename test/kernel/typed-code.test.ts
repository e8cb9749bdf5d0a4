import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readTypedCode } from '../../src/kernel/typed-code.ts'

/** The digit zero of a script. */
const scripts = [
  ['Latin', 0x30],
  ['Arabic-Indic', 0x660],
  ['extended Arabic-Indic', 0x6f0],
  ['Devanagari', 0x966],
  ['Bengali', 0x9e6],
  ['Thai', 0xe50],
  ['full-width', 0xff10],
  ['mathematical bold', 0x1d7ce],
  ['mathematical monospaced', 0x1d7f6],
  ['Adlam', 0x1e950],
] as const
const written = (digits: string, zero: number): string =>
  [...digits].map((digit) => String.fromCodePoint(zero + Number(digit))).join('')

describe('a typed code', () => {
  test.each(scripts)('may be in %s digits', (_, zero) => {
    expect(readTypedCode(written('0123456789', zero))).toBe('0123456789')
  })

  test.each([
    ['a space', '123 456'],
    ['a hyphen', '123-456'],
    ['a no-break space', '123\u00a0456'],
    ['a narrow space', '123\u202f456'],
    ['an ideographic space', '123\u3000456'],
    ['a dash', '123\u2013456'],
    ['a no-break hyphen', '123\u2011456'],
    ['a full-width hyphen', '123\uff0d456'],
    ['a minus sign', '123\u2212456'],
    ['the long vowel mark Japanese keyboards write', '123\u30fc456'],
    ['line breaks around it', '\r\n123456\n'],
    ['bidirectional marks', '\u200f123\u200e456\u2069'],
    ['a byte order mark', '\ufeff123456'],
    ['a zero-width space', '123\u200b456'],
  ])('may contain %s', (_, text) => {
    expect(readTypedCode(text)).toBe('123456')
  })

  test('keeps letters and their case, and every character that makes it another code', () => {
    expect(readTypedCode('ab\uff23d-12x.4')).toBe('abCd12x.4')
  })

  test('is the same in any mixture of scripts and grouping', () => {
    const digit = fc.tuple(fc.integer({ min: 0, max: 9 }), fc.constantFrom(...scripts))
    const gap = fc.constantFrom('', ' ', '-', '\u200f', '\u2013', '\u3000')
    fc.assert(
      fc.property(fc.array(fc.tuple(digit, gap), { maxLength: 16 }), (typed) => {
        const text = typed.map(([[value, [, zero]], between]) => written(String(value), zero) + between).join('')
        expect(readTypedCode(text)).toBe(typed.map(([[value]]) => value).join(''))
      }),
    )
  })

  test('is parsed to its end, for any input', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const code = readTypedCode(text)
        expect(code).not.toMatch(/[\s\p{Pd}\p{Cf}]/u)
        expect(readTypedCode(code)).toBe(code)
      }),
    )
  })
})
