import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normaliseSiteUrl, sortRefusal } from '../../src/providers/jira-cloud.ts'

describe('the address of a site', () => {
  test.each([
    ['https://acme.atlassian.net', 'https://acme.atlassian.net'],
    ['https://acme.atlassian.net/', 'https://acme.atlassian.net'],
    ['https://ACME.Atlassian.net./jira/servicedesk?x=1#y', 'https://acme.atlassian.net'],
    ['https://acme.atlassian.net:443', 'https://acme.atlassian.net'],
    ['https://support.example.com', 'https://support.example.com'],
    ['https://büro.example.com', 'https://xn--bro-hoa.example.com'],
  ])('%s is shown as %s', (given, shown) => {
    expect(normaliseSiteUrl(given)).toBe(shown)
  })

  test.each([
    'http://acme.atlassian.net',
    'javascript:alert(1)',
    'https://acme.atlassian.net:8443',
    'https://ada@acme.atlassian.net',
    'https://ada:secret@acme.atlassian.net',
    'https://localhost',
    'https://127.0.0.1',
    'https://0x7f.1',
    'https://[::1]',
    'https://acme',
    'acme.atlassian.net',
    '//acme.atlassian.net',
    '',
    `https://${'a'.repeat(3000)}.example.com`,
  ])('%s is none', (given) => {
    expect(normaliseSiteUrl(given)).toBeNull()
  })

  test('whatever is given, it is none or an https origin, and the same once more', () => {
    fc.assert(
      fc.property(fc.oneof(fc.webUrl({ validSchemes: ['https', 'http'] }), fc.string()), (given) => {
        const shown = normaliseSiteUrl(given)
        if (shown === null) return
        expect(shown).toBe(new URL(shown).origin)
        expect(shown.startsWith('https://')).toBe(true)
        expect(normaliseSiteUrl(shown)).toBe(shown)
      }),
    )
  })
})

test.each([
  [401, { code: 401, message: 'Unauthorized' }, 'token_refused'],
  [401, { code: 401, message: 'Unauthorized; scope does not match' }, 'scope_missing'],
  [401, { message: 'Client must be authenticated to access this resource.', 'status-code': 401 }, 'token_refused'],
  [401, undefined, 'token_refused'],
  [401, { message: { scope: 'does not match' } }, 'token_refused'],
  [403, { errorMessages: ['scope does not match'] }, null],
  [404, { errorMessages: ['gone'] }, null],
])('a refusal with %i and %j is sorted as %s', (status, json, kind) => {
  expect(sortRefusal(status, json)).toBe(kind)
})
