import { describe, expect, test } from 'vitest'
import {
  type ApplicationKind,
  applicationAuthsOf,
  classOf,
  isAllowed,
  isRegisteredRedirect,
  isResource,
  originFault,
  redirectOrigins,
  redirectUriFault,
  twoFactorClass,
  webUrlFault,
} from '../../src/applications/policy.ts'

describe('a redirect URI', () => {
  const rows: readonly (readonly [ApplicationKind, string, ReturnType<typeof redirectUriFault>])[] = [
    ['server', 'https://app.example/callback', undefined],
    ['server', 'https://app.example/callback?tenant=a', undefined],
    ['browser', 'http://localhost:5173/', undefined],
    ['browser', 'http://127.0.0.1/callback', undefined],
    ['native', 'http://[::1]/callback', undefined],
    ['native', 'org.example.app:/callback', undefined],
    ['server', 'http://app.example/callback', 'https_required'],
    ['server', 'https://*.example/callback', 'wildcard'],
    ['server', 'https://app.example/#here', 'fragment'],
    ['server', 'https://app.example/#', 'fragment'],
    ['server', 'https://user:secret@app.example/', 'credentials'],
    ['server', 'app.example/callback', 'not_a_url'],
    ['server', 'https://app.example/ x', 'not_a_url'],
    ['server', 'https://app.example\\@evil.test/', 'not_a_url'],
    ['server', 'org.example.app:/callback', 'scheme'],
    ['native', 'app:/callback', 'scheme'],
    ['native', 'javascript:alert(1)', 'scheme'],
    ['native', 'data:text/html,x', 'scheme'],
    ['native', 'file:///etc/passwd', 'scheme'],
  ]
  test.each(rows)('of a %s application may be registered or not: %s', (kind, uri, fault) => {
    expect(redirectUriFault(kind, uri)).toBe(fault)
  })

  const uses: readonly (readonly [ApplicationKind, string, string, boolean])[] = [
    ['server', 'https://app.example/cb', 'https://app.example/cb', true],
    ['server', 'https://app.example/cb', 'https://app.example/cb/', false],
    ['server', 'https://app.example/cb', 'https://app.example/cb?x=1', false],
    ['server', 'https://app.example/cb', 'https://APP.example/cb', false],
    ['server', 'https://app.example/cb', 'https://app.example:443/cb', false],
    ['browser', 'http://127.0.0.1/cb', 'http://127.0.0.1:5173/cb', false],
    ['native', 'http://127.0.0.1/cb', 'http://127.0.0.1:51004/cb', true],
    ['native', 'http://127.0.0.1:1234/cb', 'http://127.0.0.1:51004/cb', true],
    ['native', 'http://[::1]/cb', 'http://[::1]:51004/cb', true],
    ['native', 'http://127.0.0.1/cb', 'http://127.0.0.1:51004/other', false],
    ['native', 'http://127.0.0.1/cb', 'http://127.0.0.1:51004@evil.test/cb', false],
    ['native', 'http://127.0.0.1/cb', 'http://127.0.0.1.evil.test/cb', false],
    ['native', 'http://127.0.0.1/cb', 'http://[::1]/cb', false],
    ['native', 'http://localhost/cb', 'http://localhost:51004/cb', false],
    ['native', 'https://app.example/cb', 'https://app.example:8443/cb', false],
  ]
  test.each(uses)('of a %s application registered as %s is used as %s: %s', (kind, registered, given, allowed) => {
    expect(isRegisteredRedirect(kind, [registered], given)).toBe(allowed)
  })
})

test('only an application on a server, or a machine, authenticates', () => {
  for (const kind of ['server', 'machine'] as const)
    expect(applicationAuthsOf(kind)).toEqual(['client_secret_basic', 'client_secret_post', 'private_key_jwt'])
  for (const kind of ['browser', 'native'] as const) expect(applicationAuthsOf(kind)).toEqual(['none'])
})

test('a resource is an absolute URL without a fragment', () => {
  for (const one of ['https://api.example/', 'https://api.example/v1?x', 'urn:example:api'])
    expect(isResource(one)).toBe(true)
  for (const one of ['api', '/v1', 'https://api.example/#x', 'javascript:x', 'https://a b/'])
    expect(isResource(one)).toBe(false)
})

test('a logout or logo URL uses https, or http on this machine', () => {
  const rows: readonly (readonly [string, ReturnType<typeof webUrlFault>])[] = [
    ['https://a.example/out', undefined],
    ['http://localhost:3001/out', undefined],
    ['http://a.example/out', 'https_required'],
    ['https://u:p@a.example/', 'credentials'],
    ['https://a.example/#x', 'fragment'],
    ['ftp://a.example/', 'scheme'],
    ['javascript:alert(1)', 'scheme'],
    ['data:image/png;base64,AAAA', 'scheme'],
    ['x', 'not_a_url'],
  ]
  expect(rows.map(([url]) => [url, webUrlFault(url)])).toEqual(rows)
})

test('an origin is scheme, host and port, as a browser sends it', () => {
  const rows: readonly (readonly [string, ReturnType<typeof originFault>])[] = [
    ['https://a.example', undefined],
    ['http://localhost:5173', undefined],
    ['https://a.example/', 'not_an_origin'],
    ['https://a.example/path', 'not_an_origin'],
    ['https://A.example', 'not_an_origin'],
    ['https://a.example:443', 'not_an_origin'],
    ['https://*.example', 'wildcard'],
    ['*', 'wildcard'],
    ['null', 'not_a_url'],
    ['http://a.example', 'https_required'],
    ['https://u:p@a.example', 'credentials'],
    ['org.example.app://x', 'scheme'],
  ]
  expect(rows.map(([origin]) => [origin, originFault(origin)])).toEqual(rows)
  expect(redirectOrigins(['https://a.example/x', 'https://a.example/y', 'http://localhost:5173/', 'a.b:/x'])).toEqual([
    'https://a.example',
    'http://localhost:5173',
  ])
})

test('consent covers exactly what was allowed', () => {
  const allowed = { scopes: ['openid', 'email'], resources: ['urn:a'] }
  expect(isAllowed({ scopes: ['openid'], resources: [] }, allowed)).toBe(true)
  expect(isAllowed({ scopes: ['openid', 'profile'], resources: [] }, allowed)).toBe(false)
  expect(isAllowed({ scopes: ['openid'], resources: ['urn:b'] }, allowed)).toBe(false)
  expect(isAllowed({ scopes: ['openid'], resources: [] }, undefined)).toBe(false)
})

test('a sign-in has a context class only with two factors', () => {
  expect([classOf(['pwd']), classOf(['pwd', 'otp', 'mfa'])]).toEqual([undefined, twoFactorClass])
})
