import { describe, expect, test } from 'vitest'
import { locales } from '../../src/kernel/locale.ts'
import { definitions, type Kind } from '../../src/providers/definitions/index.ts'
import type { Definition } from '../../src/providers/provider.ts'
import { openidScopeTexts, readScopeTexts, scopeTextOf } from '../../src/providers/scope-texts.ts'

const kinds = (Object.keys(definitions) as Kind[]).map((kind) => ({
  kind,
  definition: definitions[kind] as Definition,
}))

describe.each(kinds)('the definition of $kind', ({ definition }) => {
  const { mark, scopes, jiraScopes, scopeTexts, scopeNames } = definition

  test('has a mark that an SVG element can draw', () => {
    expect(mark.width).toBeGreaterThan(0)
    expect(mark.height).toBeGreaterThan(0)
    expect(mark.path).toMatch(/^M[\d\s.,\-+a-zA-Z]+$/)
  })

  test('explains every scope that it requests, in every language', () => {
    for (const scope of [...scopes, ...(jiraScopes?.always ?? []), ...(jiraScopes?.usual ?? [])]) {
      const text = scopeTextOf(scope, scopeTexts, scopeNames)
      for (const locale of locales) expect(text?.[locale]).toMatch(/^\p{Ll}.*[^.]$/u)
    }
  })
})

test('a scope is explained by any of its names, and by no other', () => {
  const { scopeTexts, scopeNames } = definitions.google as Definition
  const email = openidScopeTexts.email
  expect(scopeTextOf('email', scopeTexts, scopeNames)).toBe(email)
  expect(scopeTextOf('https://www.googleapis.com/auth/userinfo.email', scopeTexts, scopeNames)).toBe(email)
  expect(scopeTextOf('https://www.googleapis.com/auth/drive', scopeTexts, scopeNames)).toBeNull()
  for (const name of ['constructor', '__proto__', 'toString'])
    expect(scopeTextOf(name, scopeTexts, scopeNames)).toBeNull()
})

describe('the operator’s words for scopes', () => {
  const read = (text: string) => {
    const faults: string[] = []
    const texts = readScopeTexts(text, (message) => faults.push(message))
    return faults.length > 0 ? faults : texts
  }

  test('are pairs of a scope and its words, in one language or in both', () => {
    expect(read('read:orders=see your orders|ver os seus pedidos; write:orders = place orders ;')).toEqual({
      'read:orders': { en: 'see your orders', 'pt-BR': 'ver os seus pedidos' },
      'write:orders': { en: 'place orders', 'pt-BR': 'place orders' },
    })
    expect(read('https://api.example/orders=a = b\nx=y|z')).toEqual({
      'https://api.example/orders': { en: 'a = b', 'pt-BR': 'a = b' },
      x: { en: 'y', 'pt-BR': 'z' },
    })
    expect(Object.hasOwn(read('__proto__=polluted'), '__proto__')).toBe(true)
  })

  test.each([
    '',
    ';',
    'orders',
    '=words',
    'orders=',
    'orders=a|',
    'orders=a|b|c',
    'orders=a;orders=b',
    'two words=a',
    'orders=a\u0007',
    `orders=${'a'.repeat(121)}`,
    Array.from({ length: 101 }, (_, n) => `s${n}=a`).join(';'),
  ])('are refused if they are %j', (text) => {
    expect(read(text)).toEqual([expect.stringMatching(/^must /)])
  })

  test('take the place of the words of a definition', () => {
    const own = readScopeTexts('email=write to you|escrever para você', () => undefined)
    const texts = { ...openidScopeTexts, ...own }
    expect(scopeTextOf('email', texts)).toEqual({ en: 'write to you', 'pt-BR': 'escrever para você' })
    expect(scopeTextOf('openid', texts)).toBe(openidScopeTexts.openid)
  })
})
