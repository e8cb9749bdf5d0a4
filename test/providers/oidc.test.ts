import { expect, test } from 'vitest'
import type { Claims } from '../../src/providers/provider.ts'
import { nothing, providerContract } from './contract.ts'
import { openProviders, value } from './fixture.ts'
import { startIssuer } from './issuer.ts'

const person =
  (key: string, more: Partial<Claims>) =>
  (subject: string): Claims => ({
    subject,
    email: 'ada@example.com',
    emailVerified: true,
    emailAuthoritative: false,
    name: 'Ada Example',
    picture: `https://lh3.googleusercontent.com/a/sandbox-${key}=s96-c`,
    ...more,
  })

providerContract('oidc', {
  claims: {
    ada: person('ada', {}),
    linus: person('linus', { name: 'Linus Private', email: null, emailVerified: false }),
    mallory: person('mallory', { name: 'Mallory Example', emailVerified: false }),
  },
  spoilt: nothing,
  withoutSubject: ({ sub: _sub, ...body }) => body,
})

test('an OpenID provider is asked for `openid`, whatever else the operator wants, and once', async () => {
  const issuer = await startIssuer()
  issuer.say('/.well-known/openid-configuration', issuer.metadata)
  for (const scopes of [['email'], ['openid', 'email']]) {
    const { providers } = openProviders([{ ...issuer.settings, scopes }], () => new Date())
    const [acme] = providers.list()
    if (!acme) throw new Error('acme is configured')
    const { url } = value(await providers.begin(acme, { redirectUri: 'http://localhost:3000/cb', intent: 'login' }))
    expect(url.searchParams.get('scope')).toBe('openid email')
    await providers.close()
  }
  await issuer.close()
})
