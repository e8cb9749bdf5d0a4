import { describe, expect, test } from 'vitest'
import { keepsAWayIn, methodsOf, type SignInRules } from '../../src/accounts/methods.ts'
import type { SignInMethods } from '../../src/accounts/ports.ts'
import { nextStep } from '../../src/sessions/steps.ts'
import { anIdentity } from '../support/people.ts'

const issuer = 'https://acme.example'
const rules = (requireVerifiedEmail: boolean): SignInRules => ({
  acceptsIdentity: (of) => of.provider === 'acme' && of.issuer === issuer,
  requireVerifiedEmail,
})
const nothing: SignInMethods = { identities: [], password: null, passkeys: [] }

describe('a sign-in method', () => {
  test.each([
    ['of an enabled provider', { provider: 'acme', issuer }, true],
    ['of a provider that was moved to another issuer', { provider: 'acme', issuer: 'https://old.example' }, false],
    ['of a provider that is disabled', { provider: 'gone', issuer: 'gone' }, false],
  ])('has the right usability: an identity %s', (_name, of, usable) => {
    const methods = methodsOf({ ...nothing, identities: [anIdentity('usr_1', of)] }, rules(false))
    expect(methods).toMatchObject([{ type: 'provider', usable }])
    expect(keepsAWayIn(methods)).toBe(usable)
  })

  // The remaining methods must be counted by the rule of the sign-in itself, or the last usable one could be removed.
  test.each([
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ])(
    'is usable exactly where it can sign in: REQUIRE_VERIFIED_EMAIL %s, address verified %s',
    (requireVerifiedEmail, verified) => {
      const account = { disabledAt: null, secondFactorAt: null, emailVerified: verified }
      const signsIn = nextStep({ account, amr: ['pwd'], policy: { requireVerifiedEmail } }) === 'enter'
      const [password] = methodsOf({ ...nothing, password: { emailVerified: verified } }, rules(requireVerifiedEmail))
      expect(password).toEqual({ type: 'password', usable: signsIn })
    },
  )

  test('must remain usable, or the last one cannot be removed', () => {
    expect(keepsAWayIn(methodsOf(nothing, rules(false)))).toBe(false)
    expect(keepsAWayIn(methodsOf({ ...nothing, password: { emailVerified: false } }, rules(true)))).toBe(false)
    const passkey = { id: 'pky_1', name: 'Phone' }
    expect(keepsAWayIn(methodsOf({ ...nothing, passkeys: [passkey] }, rules(true)))).toBe(true)
  })
})
