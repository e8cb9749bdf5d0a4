import type { Claims } from '../../src/providers/provider.ts'
import { providerContract } from './contract.ts'

const person =
  (more: Partial<Claims>) =>
  (subject: string): Claims => ({
    subject,
    email: 'ada@example.com',
    emailVerified: true,
    emailAuthoritative: false,
    name: 'Ada Example',
    picture: null,
    ...more,
  })

providerContract('oauth2', {
  claims: {
    ada: person({ subject: '7' }),
    linus: person({ name: 'Linus Private', email: null, emailVerified: false }),
    mallory: person({ name: 'Mallory Example', emailVerified: false }),
  },
  withoutSubject: () => ({ data: { user: { label: 'Nobody' } } }),
})
