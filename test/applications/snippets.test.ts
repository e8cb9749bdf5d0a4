import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { type ApplicationKind, applicationKinds } from '../../src/applications/policy.ts'
import { type SnippetValues, snippets, snippetsOf } from '../../src/applications/snippets.ts'

const values: SnippetValues = {
  issuer: 'https://id.example.org',
  clientId: 'app_0001',
  clientAuth: 'client_secret_basic',
  redirectUri: 'https://shop.example.org/callback?a=%22',
  postLogoutRedirectUri: 'https://shop.example.org/bye',
  scopes: ['openid', 'email'],
}

describe('a snippet', () => {
  test('exists for every kind of application that signs people in', () => {
    // A machine signs no one in, and a device has no redirect URI: both need only their client ID.
    const without: readonly ApplicationKind[] = ['machine', 'device']
    for (const kind of applicationKinds)
      expect([kind, snippetsOf(kind, values).length > 0]).toEqual([kind, !without.includes(kind)])
  })

  test.each(snippets.map((one) => [one.id, one] as const))(
    'of %s has the client ID, and no place for a secret but the environment',
    (id, { text, kinds }) => {
      const filled = text(values)
      expect(filled).toContain('app_0001')
      expect(filled).toContain('https://id.example.org')
      if (id !== 'grafana') expect(filled).toContain(values.redirectUri)
      if (!kinds.includes('browser')) expect(filled).toMatch(/CLIENT_SECRET/)
      // Signing out returns to the application, where the program sends a URI for it.
      const home = new RegExp(
        `${values.postLogoutRedirectUri}|${encodeURIComponent(String(values.postLogoutRedirectUri))}`,
      )
      const without = text({ ...values, postLogoutRedirectUri: null })
      if (id !== 'oauth2-proxy') expect([home.test(filled), home.test(without)]).toEqual([true, false])
      expect(filled).not.toMatch(/<secret>|your-secret/i)
    },
  )

  test('for a program that needs a secret is not shown to an application with a key', () => {
    const ids = snippetsOf('server', { ...values, clientAuth: 'private_key_jwt' }).map(({ id }) => id)
    expect(ids).toEqual(['openid-client'])
  })

  test('of JavaScript parses, whatever the redirect URI contains', () => {
    const hostile = { ...values, redirectUri: 'https://shop.example.org/"+alert(1)+"`x' }
    for (const one of snippets.filter(({ id }) => ['oidc-client-ts', 'openid-client'].includes(id))) {
      const { diagnostics } = ts.transpileModule(one.text(hostile), { reportDiagnostics: true })
      expect(diagnostics).toEqual([])
      expect(one.text(hostile)).toContain(JSON.stringify(hostile.redirectUri))
    }
  })

  test('of a configuration file keeps each value on its line', () => {
    const hostile = { ...values, redirectUri: 'https://shop.example.org/"\nOIDCClientSecret x' }
    for (const one of snippets.filter(({ id }) => ['mod-auth-openidc', 'oauth2-proxy', 'grafana'].includes(id)))
      expect(
        one
          .text(hostile)
          .split('\n')
          .some((line) => line.startsWith('OIDCClientSecret x')),
      ).toBe(false)
  })
})
