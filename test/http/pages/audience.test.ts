/** Whom a text addresses: pages of a person say "your", and administrators read about somebody else. */
import { describe, expect, test } from 'vitest'
import { standardScopes } from '../../../src/applications/policy.ts'
import { resourceWords, scopeWords } from '../../../src/http/pages/scope-words.ts'
import { type EventDetails, textsFor } from '../../../src/http/pages/texts.ts'
import { locales } from '../../../src/kernel/locale.ts'

/** In Portuguese, "seu" and "sua" also are "your". */
const addressed = {
  en: /(?<!\p{L})(you|yours?|yourself)(?!\p{L})/iu,
  'pt-BR': /(?<!\p{L})(você|seus?|suas?)(?!\p{L})/iu,
}

describe.each(locales)('in %s', (locale) => {
  const say = textsFor(locale)

  test('scopes address the person whose data an application wants, and speak about them to administrators', () => {
    for (const scope of [...standardScopes, 'orders:read']) {
      expect([scope, scopeWords(scope, say, 'person')]).toEqual([scope, expect.stringMatching(addressed[locale])])
      expect(scopeWords(scope, say, 'administrator')).not.toMatch(addressed[locale])
      expect(scopeWords(scope, say, 'administrator')).not.toBe('')
    }
    expect(resourceWords('https://api.example.org', say, 'person')).toMatch(addressed[locale])
    expect(resourceWords('https://api.example.org', say, 'administrator')).not.toMatch(addressed[locale])
  })

  test('no sentence of the audit log addresses the person it is about', () => {
    const words = { ...say.events.words, ...say.auditLog.words }
    const texts = Object.entries(words).flatMap(([event, word]) => {
      if (typeof word === 'string') return [[event, word] as const]
      // Every answer that the sentence tells apart.
      const values = [...String(word).matchAll(/["']([\w.]+)["']/g)].map(([, value]) => value)
      return ['x', undefined, ...values].map((value) => {
        const details = new Proxy({}, { get: (_, name) => (name === 'attempts' ? 2 : value) }) as EventDetails
        return [event, word(details)] as const
      })
    })
    expect(texts.filter(([, text]) => addressed[locale].test(text))).toEqual([])
  })
})
