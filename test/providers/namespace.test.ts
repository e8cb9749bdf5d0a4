/** The namespace of the subjects of a provider that administrators manage. */
import { afterEach, describe, expect, test } from 'vitest'
import { readProviderData } from '../../src/providers/settings.ts'
import { type Opened, openProviders } from './fixture.ts'

const general = {
  production: false,
  publicUrl: new URL('https://id.example.com'),
  OAUTH_HTTP_TIMEOUT_MS: 5000,
  reach: 'any',
} as const
let opened: Opened | undefined
afterEach(() => opened?.providers.close())

const client = { CLIENT_ID: 'c', CLIENT_SECRET: 'the-secret-of-a-client' }
const plain = {
  ...client,
  AUTHORIZE_URL: 'https://a.example/authorize',
  TOKEN_URL: 'https://a.example/token',
  USERINFO_URL: 'https://a.example/me',
  USER_ID_PATH: 'id',
}
function namespaceOf(id: string, kind: string, settings: Record<string, string>): string {
  const read = readProviderData({ id, kind, settings }, general)
  if (!read.ok) throw new Error(JSON.stringify(read.error))
  opened = openProviders([], () => new Date())
  return opened.providers.another({ settings: read.value, version: 'pvr_1' }).issuer
}

describe('a provider that administrators manage', () => {
  test('has another namespace after its ID was added as another kind', () => {
    const kinds = [
      namespaceOf('corp', 'github', client),
      namespaceOf('corp', 'discord', client),
      namespaceOf('corp', 'google', client),
      namespaceOf('corp', 'oauth2', plain),
    ]
    expect(new Set(kinds).size).toBe(4)
    expect(kinds).not.toContain('corp')
    expect(namespaceOf('github', 'discord', client)).not.toBe('github')
  })

  test.each([
    ['TOKEN_URL', 'https://b.example/token'],
    ['USERINFO_URL', 'https://b.example/me'],
    ['USER_ID_PATH', 'data.id'],
  ])('has another namespace after a change of %s', (name, changed) => {
    const before = namespaceOf('corp', 'oauth2', plain)
    expect(namespaceOf('corp', 'oauth2', { ...plain, [name]: changed })).not.toBe(before)
  })

  test.each([
    ['AUTHORIZE_URL', 'https://b.example/authorize'],
    ['REVOKE_URL', 'https://b.example/revoke'],
    ['CLIENT_ID', 'd'],
    ['USER_EMAIL_PATH', 'mail'],
  ])('keeps its namespace after a change of %s, which says nothing about subjects', (name, changed) => {
    expect(namespaceOf('corp', 'oauth2', { ...plain, [name]: changed })).toBe(namespaceOf('corp', 'oauth2', plain))
  })

  test('shares its users with the environment at well-known endpoints, and by its issuer', () => {
    expect(namespaceOf('github', 'github', client)).toBe('github')
    expect(namespaceOf('github', 'github', { ...client, USERINFO_URL: 'https://b.example/me' })).not.toBe('github')
    const ISSUER = 'https://login.example.org'
    expect(namespaceOf('corp', 'oidc', { ...client, ISSUER })).toBe(ISSUER)
    expect(namespaceOf('corp', 'oidc', { ...client, ISSUER, USERINFO_URL: 'https://b.example/me' })).toBe(ISSUER)
  })
})
