import argon2 from 'argon2'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { createPasswords, type PasswordPolicy } from '../../src/credentials/passwords.ts'
import { systemRandom } from '../../src/kernel/ids.ts'

const policy = { leastLength: 12, memoryKib: 19_456, passes: 2, lanes: 1 }
const passwordsWith = (given: Partial<PasswordPolicy> = {}) =>
  createPasswords({
    policy: { ...policy, ...given },
    random: systemRandom,
    words: ['vinculum', 'id.acme-works.example'],
  })
const passwords = passwordsWith()
/** For what is the same at any strength. */
const cheap = passwordsWith({ memoryKib: 1024, passes: 1 })

const about = { email: 'Ada.Lovelace@analytical-engine.example', name: 'Augusta Ada Byron' }
const reasonOf = (password: string, whom = about): unknown => {
  const taken = passwords.accept(password, whom)
  return taken.ok ? 'taken' : taken.error.extra?.reason
}

describe('a new password', () => {
  test.each([
    'a bar over letters that belong together',
    'correct horse battery staple',
    'tr0mb0ne-ladder-Kiosk',
    '            x            y',
    'çãõéü çãõéü 12',
    '密码密碼パスワード비밀번호암호길',
    '🔑🗝️🔐 three signs and more',
    'x'.repeat(1).concat('abzqwkrmpltn'),
  ])('is accepted without rules about its characters: %s', (password) => {
    expect(passwords.accept(password, about)).toEqual({ ok: true, value: password.normalize('NFC') })
  })

  test('is measured in code points, whatever their encoding', () => {
    expect(reasonOf('🔑🐎🔋📎🌂🎩🍋🧭🪁🧶🎻')).toBe('too_short')
    expect(reasonOf('🔑🐎🔋📎🌂🎩🍋🧭🪁🧶🎻🛶')).toBe('taken')
    const long = Array.from({ length: 256 }, (_, at) => String.fromCodePoint(0x4e00 + ((at * 7919) % 20_000))).join('')
    expect(reasonOf(long)).toBe('taken')
    expect(reasonOf(`${long}x`)).toBe('too_long')
  })

  test('has at least the configured length', () => {
    const short = passwordsWith({ leastLength: 8 })
    expect(short.accept('kiosk9-x').ok).toBe(true)
    expect(short.accept('kiosk9-').ok).toBe(false)
  })

  test.each([
    'password1234',
    'Password12345',
    'iloveyou2024!!',
    'qwertyuiop123',
    '1q2w3e4r5t6y',
    'administrator',
    'aaaaaaaaaaaa',
    'abcabcabcabc',
    'abcdefghijklm',
    '890123456789',
    'passwordpassword',
    'P@ssw0rd2026!',
    'sunshine....',
    'dragon!dragon!',
    '123456789012345',
  ])('is rejected when it is common: %s', (password) => {
    expect(reasonOf(password)).toBe('too_common')
  })

  test.each([
    'ada.lovelace@analytical-engine.example',
    'Ada.Lovelace1815',
    'lovelace-1815!',
    'Augusta Ada Byron',
    'byron!byron!1',
    'Vinculum2026!',
    'vinculum vinculum',
    'acme-works-2026',
    'V1nculum!!!!',
    'analytical-engine 7',
  ])('is rejected when it contains little more than the user’s or the service’s name: %s', (password) => {
    expect(reasonOf(password)).toBe('too_personal')
  })
  test('may contain such a word among others', () => {
    expect(reasonOf('vinculum is a line over letters')).toBe('taken')
  })

  test('is rejected with a reason and the configured limits', () => {
    const refused = passwordsWith({ leastLength: 15 }).accept('too short')
    expect(refused).toMatchObject({
      ok: false,
      error: { code: 'password_rejected', params: { least: '15', most: '256' }, extra: { reason: 'too_short' } },
    })
  })
})

describe('a stored password', () => {
  test('is an Argon2id hash of the configured strength, never the same twice', async () => {
    const strong = passwordsWith({ memoryKib: 20_480, passes: 3 })
    const [one, other] = await Promise.all([strong.hash('a bar over letters'), strong.hash('a bar over letters')])
    expect(one).toMatch(/^\$argon2id\$v=19\$m=20480,p=1,t=3\$/)
    expect(one).not.toBe(other)
    expect(strong.isOutdated(one)).toBe(false)
    expect(passwords.isOutdated(one)).toBe(true)
  })

  test('differs from every other one, however long their common prefix', async () => {
    const beginning = 'b'.repeat(72)
    const hash = await passwords.hash(`${beginning} one end`)
    expect(await passwords.verify(hash, `${beginning} another`)).toBe(false)
    expect(await passwords.verify(hash, beginning)).toBe(false)
    expect(await passwords.verify(hash, `${beginning} one end`)).toBe(true)
    expect(await passwords.verify(hash, `${beginning} One end`)).toBe(false)
  })

  test('is the same on every keyboard', async () => {
    const taken = passwords.accept('café crème brûlée'.normalize('NFD'))
    const hash = await passwords.hash(taken.ok ? taken.value : '')
    for (const form of ['NFC', 'NFD'] as const)
      expect(await passwords.verify(hash, 'café crème brûlée'.normalize(form))).toBe(true)
  })

  test('can be compared with any text without an error', async () => {
    const hash = await cheap.hash('a bar over letters')
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => !(await cheap.verify(hash, text))),
      { numRuns: 20 },
    )
  })
})

test('without a stored password the same work is done, and the result is always false', async () => {
  const spy = vi.spyOn(argon2, 'verify')
  const some = passwordsWith()
  const hash = await some.hash('a bar over letters')
  await some.verify(hash, 'wrong')
  await some.verify(null, 'wrong')
  const looked = spy.mock.calls.map(([digest]) => digest.split('$').slice(0, 4).join('$'))
  expect(looked).toEqual(['$argon2id$v=19$m=19456,p=1,t=2', '$argon2id$v=19$m=19456,p=1,t=2'])
  spy.mockRestore()
  expect(await some.verify(null, '')).toBe(false)
})

test('hashing many passwords does not block the event loop', async () => {
  let isDone = false
  let turns = 0
  // A hash that takes a few milliseconds, which is far longer than a turn.
  const { hash } = passwordsWith({ memoryKib: 8192, passes: 1 })
  const hashes = Promise.all(Array.from({ length: 60 }, () => hash('a bar over letters')))
  const done = hashes.finally(() => (isDone = true))
  for (; !isDone; turns++) await new Promise((resolve) => setImmediate(resolve))
  await done
  // Many turns of the event loop for each hash, or about one if a hash held it.
  expect(turns).toBeGreaterThan(600)
})
