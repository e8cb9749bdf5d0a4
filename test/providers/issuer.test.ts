import { describe, expect, test } from 'vitest'
import { issuerMismatch } from '../../src/providers/issuer.ts'

const url = 'https://login.acme.example/realms/x'

describe('a provider with a different issuer', () => {
  test.each<[string, unknown, string]>([
    [url, `${url}/`, 'configured_without_trailing_slash'],
    [`${url}/`, url, 'configured_with_extra_trailing_slash'],
    [url, `${url}//`, 'none'],
    [url, url.toUpperCase(), 'letter_case'],
    [url, url.replace('https:', 'http:'), 'scheme'],
    [url, 'https://login.microsoftonline.com/{tenantid}/v2.0', 'tenant_placeholder'],
    [url, 'https://evil.example', 'none'],
    [url, undefined, 'none'],
    [url, { url }, 'none'],
  ])('than %s, namely %j, gets the hint %s', (configured, received, hint) => {
    expect(issuerMismatch(configured, received)).toMatchObject({ configured, hint })
  })

  test.each<[string, unknown, string]>([
    ['unchanged', `${url}/`, `${url}/`],
    ['without line breaks', 'https://a.example\r\n{"level":"error"}', 'https://a.example {"level":"error"}'],
    ['without bidirectional control characters', 'https://a.example/\u202egnp', 'https://a.example/gnp'],
    ['without credentials', 'https://user:password@a.example/', 'https://a.example/'],
    ['without a query', 'https://a.example/?access_token=secret', 'https://a.example/'],
    ['without a fragment', 'https://a.example/#access_token=secret', 'https://a.example/'],
    ['without a token', 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2ln', '(not an issuer)'],
    ['without a token in its path', 'https://a.example/eyJhbGciOiJSUzI1NiJ9', '(not an issuer)'],
    ['as null', undefined, '(none)'],
    ['as null when it is empty', '', '(none)'],
    ['as null when it is not text', { iss: url }, '(none)'],
  ])('is logged %s', (_how, received, shown) => {
    expect(issuerMismatch(url, received)).toMatchObject({ received: shown })
  })

  test('is logged up to a maximum length', () => {
    expect(issuerMismatch(url, `https://${'a'.repeat(10_000)}.example`).received).toHaveLength(256)
  })
})
