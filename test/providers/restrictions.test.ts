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

test('without restrictions everybody may sign in', () => {
  expect(of({}, { email: null, emailVerified: false })).toBeNull()
})

describe('EMAIL_DOMAINS', () => {
  const emailDomains = ['corp.example', 'xn--bcher-kva.example']
  test.each<[string, Partial<Claims>, null | 'restricted']>([
    ['a verified address there', { email: 'ada@corp.example' }, null],
    ['one in other letters', { email: 'Ada@CORP.Example' }, null],
    ['one in its own script', { email: 'ada@bücher.example' }, null],
    ['one as an A-label', { email: 'ada@XN--BCHER-KVA.example' }, null],
    ['an unverified one', { email: 'ada@corp.example', emailVerified: false }, 'restricted'],
    ['none', { email: null }, 'restricted'],
    ['one elsewhere', { email: 'ada@example.com' }, 'restricted'],
    ['one in a domain below', { email: 'ada@sub.corp.example' }, 'restricted'],
    ['one in a domain that ends so', { email: 'ada@evilcorp.example' }, 'restricted'],
    ['one in a domain that begins so', { email: 'ada@corp.example.evil.example' }, 'restricted'],
    ['one with two signs', { email: 'ada@evil.example@corp.example' }, 'restricted'],
    ['one with the domain in front', { email: '"ada@corp.example"@evil.example' }, 'restricted'],
    ['one with look-alike letters', { email: 'ada@ｃorp.example' }, 'restricted'],
    ['a further verified one there', { email: 'ada@home.example', otherEmails: ['ada@corp.example'] }, null],
    ['only a further one', { email: null, emailVerified: false, otherEmails: ['ada@corp.example'] }, null],
    [
      'the domain hosted, the address elsewhere',
      { email: 'a@example.com', hostedDomain: 'corp.example' },
      'restricted',
    ],
  ])('with %s: %#', (_name, claims, restriction) => {
    expect(of({ emailDomains }, claims)).toBe(restriction)
  })
})

describe('HOSTED_DOMAINS', () => {
  const hostedDomains = ['corp.example', 'xn--bcher-kva.example']
  test.each<[string, Partial<Claims>, null | 'restricted']>([
    ['the domain by Google’s word', { hostedDomain: 'corp.example' }, null],
    ['it in other letters', { hostedDomain: 'CORP.example' }, null],
    ['it in its own script', { hostedDomain: 'bücher.example' }, null],
    ['only an address there', { email: 'ada@corp.example' }, 'restricted'],
    ['another domain', { email: 'ada@corp.example', hostedDomain: 'other.example' }, 'restricted'],
    ['what is no domain', { hostedDomain: '*' }, 'restricted'],
    ['nothing for one', { hostedDomain: '' }, 'restricted'],
  ])('with %s: %#', (_name, claims, restriction) => {
    expect(of({ hostedDomains }, claims)).toBe(restriction)
  })
})

describe('ORGANIZATIONS', () => {
  const organizations = ['acme', 'globex']
  test.each<[string, Partial<Claims>, null | 'restricted' | 'hidden']>([
    ['a member of one', { memberships: { memberOf: ['globex'], hidden: false } }, null],
    ['a member of none', { memberships: { memberOf: [], hidden: false } }, 'restricted'],
    [
      'a member of one that does not count any more',
      { memberships: { memberOf: ['initech'], hidden: false } },
      'restricted',
    ],
    ['one of whom nothing is known', {}, 'restricted'],
    ['one who may be', { memberships: { memberOf: [], hidden: true } }, 'hidden'],
    ['a member of one, where another is hidden', { memberships: { memberOf: ['acme'], hidden: true } }, null],
  ])('%s: %#', (_name, claims, restriction) => {
    expect(of({ organizations }, claims)).toBe(restriction)
  })
})

test('all restrictions that are set must hold', () => {
  const all = { emailDomains: ['corp.example'], hostedDomains: ['corp.example'] }
  expect(of(all, { email: 'ada@corp.example', hostedDomain: 'corp.example' })).toBeNull()
  expect(of(all, { email: 'ada@corp.example' })).toBe('restricted')
  expect(of(all, { email: 'ada@example.com', hostedDomain: 'corp.example' })).toBe('restricted')
})
