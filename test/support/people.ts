import { randomBytes } from 'node:crypto'
import type { Identity } from '../../src/accounts/ports.ts'
import type { Origin } from '../../src/events/catalogue.ts'
import { type Account, noMetadata } from '../../src/kernel/account.ts'
import type { Claims, TokenGrant } from '../../src/providers/provider.ts'

export const from: Origin = { ip: '203.0.113.7', userAgent: 'Mosaic/1.0', requestId: 'req_1' }

const some = (): string => randomBytes(8).toString('hex')

export const anAccount = (given: Partial<Account> = {}): Account => ({
  id: `usr_${some()}`,
  email: null,
  emailVerified: false,
  name: 'Ada',
  picture: null,
  role: 'user',
  locale: null,
  timeZone: null,
  metadata: noMetadata,
  secondFactorAt: null,
  disabledAt: null,
  createdAt: new Date('2026-01-01T00:00:00Z'),
  updatedAt: new Date('2026-01-01T00:00:00Z'),
  ...given,
})

export const anIdentity = (accountId: string, given: Partial<Identity> = {}): Identity => ({
  id: `idn_${some()}`,
  accountId,
  provider: 'github',
  issuer: given.provider ?? 'github',
  subject: some(),
  email: null,
  emailVerified: false,
  name: null,
  picture: null,
  scopes: [],
  linkedAt: new Date('2026-01-01T00:00:00Z'),
  lastUsedAt: new Date('2026-01-01T00:00:00Z'),
  ...given,
})

export const theClaims = (given: Partial<Claims> = {}): Claims => ({
  subject: some(),
  email: 'ada@example.com',
  emailVerified: true,
  emailAuthoritative: false,
  name: 'Ada',
  picture: null,
  ...given,
})

/** The claims and tokens a provider returns for a user. */
export const aGrant = (
  provider: string,
  claims: Partial<Claims> = {},
  tokens: Partial<TokenGrant['tokens']> = {},
): TokenGrant => ({
  provider,
  issuer: provider,
  clientId: `${provider}-client`,
  claims: theClaims(claims),
  tokens: {
    accessToken: 'at',
    refreshToken: 'rt',
    expiresAt: null,
    refreshExpiresAt: null,
    scopes: ['openid'],
    ...tokens,
  },
  asked: ['openid'],
})
