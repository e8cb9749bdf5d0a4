import type { Claims } from '../../src/providers/provider.ts'
import { providerContract } from './contract.ts'

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
  withoutSubject: ({ sub: _sub, ...body }) => body,
})
