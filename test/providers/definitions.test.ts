import { describe, expect, test } from 'vitest'
import { locales } from '../../src/kernel/locale.ts'
import { definitions, type Kind } from '../../src/providers/definitions/index.ts'
import type { Definition } from '../../src/providers/provider.ts'
import { openidScopeTexts, scopeTextOf } from '../../src/providers/scope-texts.ts'

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
