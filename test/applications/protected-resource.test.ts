import { expect, test } from 'vitest'
import { protectedResource } from '../../src/applications/protected-resource.ts'

const issuer = 'https://id.example.org'

test.each([
  ['https://api.example.org', '/.well-known/oauth-protected-resource'],
  ['https://api.example.org/', '/.well-known/oauth-protected-resource'],
  ['https://api.example.org/orders', '/.well-known/oauth-protected-resource/orders'],
  ['https://api.example.org/v1/orders/', '/.well-known/oauth-protected-resource/v1/orders'],
  ['http://127.0.0.1:4000', '/.well-known/oauth-protected-resource'],
])('the metadata of %s is at %s (RFC 9728 §3.1)', (resource, path) => {
  const { metadata, path: found, url } = protectedResource({ resource, issuer, scopes: ['orders:read'] })
  expect([found, url]).toEqual([path, new URL(path, resource).href])
  expect(metadata).toMatchObject({ resource, authorization_servers: [issuer], scopes_supported: ['orders:read'] })
})

test('a challenge leads to the metadata, and names an error only if a token was sent', () => {
  const { challenge, url } = protectedResource({ resource: 'https://api.example.org', issuer })
  expect(challenge()).toBe(`Bearer resource_metadata="${url}"`)
  expect(challenge('invalid_token')).toBe(`Bearer error="invalid_token", resource_metadata="${url}"`)
  expect(challenge('insufficient_scope', 'a"b\r\nc')).toBe(
    `Bearer error="insufficient_scope", scope="abc", resource_metadata="${url}"`,
  )
})

test.each([
  'http://api.example.org',
  'https://api.example.org/?a',
  'https://api.example.org/#a',
  'ftp://a.example',
  'x',
])('%s is no resource', (resource) => {
  expect(() => protectedResource({ resource, issuer })).toThrow(TypeError)
})
