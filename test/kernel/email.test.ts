import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maskEmail, readEmail } from '../../src/kernel/email.ts'

const key = (text: string): string | undefined => readEmail(text)?.key

describe('an email address', () => {
  test.each([
    ['ada@example.com', 'ada@example.com', 'ada@example.com'],
    ['Ada@Example.COM', 'Ada@example.com', 'ada@example.com'],
    ['  ada@example.com\n', 'ada@example.com', 'ada@example.com'],
    ['ada+news@example.com', 'ada+news@example.com', 'ada+news@example.com'],
    ['a.d.a@gmail.com', 'a.d.a@gmail.com', 'a.d.a@gmail.com'],
    ['ada@bücher.example', 'ada@xn--bcher-kva.example', 'ada@xn--bcher-kva.example'],
    ['ada@BÜCHER.example', 'ada@xn--bcher-kva.example', 'ada@xn--bcher-kva.example'],
    ['ada@faß.de', 'ada@xn--fa-hia.de', 'ada@xn--fa-hia.de'],
    ['用户@例子.公司', '用户@xn--fsqu00a.xn--55qx5d', '用户@xn--fsqu00a.xn--55qx5d'],
    [
      "o'neil!#$%&*/=?^_`{|}~-@example.com",
      "o'neil!#$%&*/=?^_`{|}~-@example.com",
      "o'neil!#$%&*/=?^_`{|}~-@example.com",
    ],
    ['ada@localhost', 'ada@localhost', 'ada@localhost'],
    ['ada@a-b.c1.example', 'ada@a-b.c1.example', 'ada@a-b.c1.example'],
  ])('%j is shown as %s and compared as %s', (text, address, key) => {
    expect(readEmail(text)).toEqual({ address, key })
  })

  test('is the same composed or decomposed, before the @ and after it', () => {
    expect(key('jose\u0301@bu\u0308cher.example')).toBe(key('josé@bücher.example'))
  })

  test('keeps its dots and its tag: only Gmail folds them, and elsewhere they are two people', () => {
    expect(key('a.da@example.com')).not.toBe(key('ada@example.com'))
    expect(key('ada+x@example.com')).not.toBe(key('ada@example.com'))
  })

  test('with look-alike characters is another address', () => {
    for (const other of ['аda@example.com', 'adа@example.com', 'ada@exаmple.com', 'ada@examp1e.com', 'ıda@example.com'])
      expect(key(other)).not.toBe(key(other.startsWith('ı') ? 'ida@example.com' : 'ada@example.com'))
  })
})

describe('an email address that could be read as another one is rejected:', () => {
  test.each([
    ['a Kelvin sign for a K', '\u212Aate@example.com'],
    ['a Kelvin sign next to an é', '\u212Aaté@example.com'],
    ['a Greek accent for a backtick', 'a\u1fefda@example.com'],
    ['a Kelvin sign in the domain', 'ada@\u212Aate.example'],
    ['a full-width letter', 'ada@ｅxample.com'],
    ['a full-width digit', 'ada@example１.com'],
    ['a letter-like symbol', 'ada@ℯxample.com'],
    ['a mathematical letter', 'ada@𝐞xample.com'],
    ['a ligature', 'ada@ﬁsh.example'],
    ['a raised digit', 'ada@example².com'],
    ['a letter-like last label', 'ada@example.ℂom'],
    ['a full-width letter among real ones', 'ada@ｂücher.example'],
    ['an invisible variation selector', 'ada@example\ufe0f.com'],
    ['an invisible joiner', 'ada@exam\u034fple.com'],
    ['a full-width @', 'ada\uff20evil.example@example.com'],
    ['a small @', 'ada\ufe6bevil.example@example.com'],
    ['a full-width comma', 'ada\uff0ceve@example.com'],
    ['a small comma', 'ada\ufe50eve@example.com'],
    ['a vertical comma', 'ada\ufe10eve@example.com'],
    ['a full-width semicolon', 'ada\uff1beve@example.com'],
    ['a full-width colon', 'ada\uff1aeve@example.com'],
    ['full-width brackets', 'ada\uff3beve\uff3d@example.com'],
    ['full-width parentheses', 'ada\uff08eve\uff09@example.com'],
    ['full-width angle brackets', 'ada\uff1ceve\uff1e@example.com'],
    ['a full-width quotation mark', '\uff02ada\uff02@example.com'],
    ['a full-width backslash', 'ada\uff3ceve@example.com'],
    ['a full-width full stop', 'ada\uff0eeve@example.com'],
    ['a leader of three dots', 'ada\u2026eve@example.com'],
    ['a full-width percent sign, which once named a relay', 'ada\uff05evil.example@example.com'],
    ['a full-width exclamation mark, which once named a path', 'evil.example\uff01ada@example.com'],
    ['an account-of sign', 'ada\u2100eve@example.com'],
    ['an accent on a space', 'ada\u00b4eve@example.com'],
    ['a combined angle bracket sign', 'ada\u226eeve@example.com'],
    ['an angle bracket with a combining stroke', 'ada<\u0338eve@example.com'],
    ['an ideographic space', 'ada\u3000eve@example.com'],
    ['a no-break space', 'ada\u00a0eve@example.com'],
    ['a byte order mark', 'ada\ufeffeve@example.com'],
    ['an invisible variation selector before the @', 'ada\ufe0f@example.com'],
    ['an invisible joiner before the @', 'ad\u034fa@example.com'],
    ['an invisible Hangul filler', 'ada\u3164@example.com'],
    ['an empty Braille cell', 'ada\u2800@example.com'],
    ['a tag character', 'ada\u{e0061}@example.com'],
    ['a bidirectional mark', 'ada\u200f@example.com'],
    ['a bidirectional isolate', 'ada\u2067eve\u2069@example.com'],
  ])('%s', (_, text) => {
    expect(readEmail(text)).toBeUndefined()
  })

  test.each([
    ['ada@b\u00fccher.example', 'ada@xn--bcher-kva.example'],
    ['ada@bu\u0308cher.example', 'ada@xn--bcher-kva.example'],
    ['jose\u0301@example.com', 'josé@example.com'],
    ['ада@пример.рф', 'ада@xn--e1afmkfd.xn--p1ai'],
    ['ada@דוגמה.example', 'ada@xn--6dbbec0c.example'],
    ['ada@உதாரணம்.example', 'ada@xn--zkc6cc5bi7f6e.example'],
    ['ada@한국.example', 'ada@xn--3e0b707e.example'],
    ['ada@\u1112\u1161\u11ab국.example', 'ada@xn--3e0b707e.example'],
  ])('while %j stays %s', (text, address) => {
    expect(readEmail(text)?.address).toBe(address)
  })
})

describe('an invalid email address', () => {
  test.each([
    ['nothing', ''],
    ['no @', 'ada.example.com'],
    ['two @', 'ada@evil.example@example.com'],
    ['nothing before the @', '@example.com'],
    ['nothing after the @', 'ada@'],
    ['a space', 'ada lovelace@example.com'],
    ['a quoted part', '"ada"@example.com'],
    ['a comment', 'ada(x)@example.com'],
    ['a list', 'ada@example.com,eve@evil.example'],
    ['a display name', 'Ada <ada@example.com>'],
    ['an injected header', 'ada@example.com\r\nBcc: eve@evil.example'],
    ['a NUL', 'ada\0@example.com'],
    ['a NUL in the domain', 'ada@example.com\0.evil.example'],
    ['an escape character', 'ada\u001b@example.com'],
    ['a zero-width space', 'ad\u200ba@example.com'],
    ['text with reversed direction', 'ada\u202e@example.com'],
    ['a soft hyphen in the domain', 'ada@exam\u00adple.com'],
    ['a lone surrogate', 'ada\ud800@example.com'],
    ['a path after the domain', 'ada@example.com/.evil.example'],
    ['a query after the domain', 'ada@example.com?.evil.example'],
    ['a fragment after the domain', 'ada@example.com#.evil.example'],
    ['a port', 'ada@example.com:25'],
    ['an escaped domain', 'ada@ex%61mple.com'],
    ['a bracketed address', 'ada@[127.0.0.1]'],
    ['an IP address', 'ada@127.0.0.1'],
    ['a shortened IP address', 'ada@127.1'],
    ['an IP address in hexadecimal', 'ada@0x7f.1'],
    ['an IP address in one number', 'ada@2130706433'],
    ['an underscore in the domain', 'ada@ex_ample.com'],
    ['a dot at the end', 'ada@example.com.'],
    ['a dot at the start of the domain', 'ada@.example.com'],
    ['two dots in the domain', 'ada@example..com'],
    ['a broken A-label', 'ada@xn--a'],
    ['a broken A-label before others', 'ada@xn--zzzzzzzz.example.com'],
    ['a redundant A-label', 'ada@xn--example-.com'],
    ['65 characters before the @', `${'a'.repeat(65)}@example.com`],
    ['254 characters after the @', `ada@${'a'.repeat(250)}.com`],
  ])('has %s', (_, text) => {
    expect(readEmail(text)).toBeUndefined()
  })

  test('is rejected quickly, however long it is', () => {
    const started = performance.now()
    for (const text of [`${'a'.repeat(1e6)}@`, `a@${'a.'.repeat(5e5)}`, '@'.repeat(1e6), ' '.repeat(1e6)])
      readEmail(text)
    expect(performance.now() - started).toBeLessThan(20_000)
  })
})

test('a local part has the same special characters in every normal form, and no invisible ones', () => {
  const anything = fc.string({ unit: 'binary', minLength: 1, maxLength: 6 })
  const hostile = 'a.\u0301\u0338\u00b4\uff20\uff0c\uff1b\u2026\u226e\u2100\u3164\u200f\u2067\u034f\uff0e\u00e9\u212a'
  const near = fc.string({ unit: fc.constantFrom(...hostile), minLength: 1, maxLength: 6 })
  const special = (text: string): readonly string[] => text.match(/[^\P{ASCII}A-Za-z0-9]/gu) ?? []
  fc.assert(
    fc.property(fc.oneof(anything, near), (text) => {
      const email = readEmail(`a${text}@example.com`)
      if (!email) return
      const local = email.address.slice(0, email.address.lastIndexOf('@'))
      for (const form of ['NFC', 'NFD', 'NFKC', 'NFKD'] as const)
        expect([text, form, special(local.normalize(form))]).toEqual([text, form, special(local)])
      expect(local).not.toMatch(/[\s\p{C}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}]/u)
      expect(local).toBe(local.normalize('NFC'))
    }),
    { numRuns: 5000 },
  )
})

test('parsing a parsed address changes nothing, so that a stored address is found again', () => {
  const near = fc.string({ unit: fc.constantFrom(...'aAßİKé.@+-%/?#\u0301\u200d例ｅ1 '), maxLength: 24 })
  fc.assert(
    fc.property(
      fc.oneof(
        fc.emailAddress(),
        near,
        fc.tuple(near, near).map(([a, b]) => `${a}@${b}.com`),
      ),
      (text) => {
        const email = readEmail(text)
        if (!email) return
        expect(readEmail(email.address)).toEqual(email)
        expect(readEmail(email.key)?.key).toBe(email.key)
        expect(email.address).not.toMatch(/[\s\p{Cc}]/u)
      },
    ),
    { numRuns: 2000 },
  )
})

test('a masked email address shows its first character and its domain', () => {
  expect(maskEmail('ada@example.com')).toBe('a•••@example.com')
  expect(maskEmail('😀da@example.com')).toBe('😀•••@example.com')
  expect(maskEmail('a@example.com')).toBe('a•••@example.com')
})
