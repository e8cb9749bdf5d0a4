import { describe, expect, test } from 'vitest'
import type { Claims, ProviderSettings } from '../../src/providers/provider.ts'
import { restrictionOn } from '../../src/providers/restrictions.ts'
import { theClaims } from '../support/people.ts'

type Restrictions = Pick<ProviderSettings, 'emailDomains' | 'hostedDomains' | 'organizations'>
const settings = (restrictions: Restrictions): ProviderSettings => ({
  id: 'p',
  kind: 'google',
  name: 'P',
  clientId: 'c',
  clientSecret: 's',
  redirectUris: {},
  urls: {},
  breaker: { timeoutMs: 1, errorThresholdPercent: 1, volume: 1, resetMs: 1 },
  ...restrictions,
})
const of = (restrictions: Restrictions, claims: Partial<Claims>) =>
  restrictionOn(theClaims(claims), settings(restrictions))

test('without restrictions every user may sign in', () => {
  expect(of({}, { email: null, emailVerified: false })).toBeNull()
})

describe('EMAIL_DOMAINS', () => {
  const emailDomains = ['corp.example', 'xn--bcher-kva.example']
  test.each<[string, Partial<Claims>, null | 'restricted']>([
    ['a verified email address in the domain', { email: 'ada@corp.example' }, null],
    ['one in upper case', { email: 'Ada@CORP.Example' }, null],
    ['one in its Unicode form', { email: 'ada@bücher.example' }, null],
    ['one as an A-label', { email: 'ada@XN--BCHER-KVA.example' }, null],
    ['an unverified one', { email: 'ada@corp.example', emailVerified: false }, 'restricted'],
    ['none', { email: null }, 'restricted'],
    ['one in another domain', { email: 'ada@example.com' }, 'restricted'],
    ['one in a subdomain', { email: 'ada@sub.corp.example' }, 'restricted'],
    ['one in a domain with the same ending', { email: 'ada@evilcorp.example' }, 'restricted'],
    ['one in a domain with the same beginning', { email: 'ada@corp.example.evil.example' }, 'restricted'],
    ['one with two @ signs', { email: 'ada@evil.example@corp.example' }, 'restricted'],
    ['one with the domain in its local part', { email: '"ada@corp.example"@evil.example' }, 'restricted'],
    ['one with look-alike letters', { email: 'ada@ｃorp.example' }, 'restricted'],
    ['a second verified one in the domain', { email: 'ada@home.example', otherEmails: ['ada@corp.example'] }, null],
    ['only a secondary one', { email: null, emailVerified: false, otherEmails: ['ada@corp.example'] }, null],
    [
      'a hosted domain with an email address elsewhere',
      { email: 'a@example.com', hostedDomain: 'corp.example' },
      'restricted',
    ],
  ])('decides on %s: %#', (_name, claims, restriction) => {
    expect(of({ emailDomains }, claims)).toBe(restriction)
  })
})

describe('HOSTED_DOMAINS', () => {
  const hostedDomains = ['corp.example', 'xn--bcher-kva.example']
  test.each<[string, Partial<Claims>, null | 'restricted']>([
    ['the domain in the hd claim', { hostedDomain: 'corp.example' }, null],
    ['the hd claim in upper case', { hostedDomain: 'CORP.example' }, null],
    ['the hd claim in Unicode', { hostedDomain: 'bücher.example' }, null],
    ['only an email address in the domain', { email: 'ada@corp.example' }, 'restricted'],
    ['another domain', { email: 'ada@corp.example', hostedDomain: 'other.example' }, 'restricted'],
    ['an hd claim that is not a domain', { hostedDomain: '*' }, 'restricted'],
    ['an empty hd claim', { hostedDomain: '' }, 'restricted'],
  ])('decides on %s: %#', (_name, claims, restriction) => {
    expect(of({ hostedDomains }, claims)).toBe(restriction)
  })
})

describe('ORGANIZATIONS', () => {
  const organizations = ['acme', 'globex']
  test.each<[string, Partial<Claims>, null | 'restricted' | 'hidden']>([
    ['a member of one', { memberships: { memberOf: ['globex'], hidden: false } }, null],
    ['a member of none', { memberships: { memberOf: [], hidden: false } }, 'restricted'],
    [
      'a member of an organization that is no longer listed',
      { memberships: { memberOf: ['initech'], hidden: false } },
      'restricted',
    ],
    ['a user without membership data', {}, 'restricted'],
    ['a user with hidden memberships', { memberships: { memberOf: [], hidden: true } }, 'hidden'],
    ['a member of one, where another is hidden', { memberships: { memberOf: ['acme'], hidden: true } }, null],
  ])('decides on %s: %#', (_name, claims, restriction) => {
    expect(of({ organizations }, claims)).toBe(restriction)
  })
})

test('all configured restrictions must hold', () => {
  const all = { emailDomains: ['corp.example'], hostedDomains: ['corp.example'] }
  expect(of(all, { email: 'ada@corp.example', hostedDomain: 'corp.example' })).toBeNull()
  expect(of(all, { email: 'ada@corp.example' })).toBe('restricted')
  expect(of(all, { email: 'ada@example.com', hostedDomain: 'corp.example' })).toBe('restricted')
})
