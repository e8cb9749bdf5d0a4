import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isIssuerTemplate, isTenantIssuer, tenantOf } from '../../src/kernel/tenant-issuer.ts'

const template = 'https://login.example/{tenantid}/v2.0'
const [one, two] = ['6c41f1a9-3e58-4b0c-9a67-2f9d1c5be0d4', 'b8d0a2c3-74e1-4f2a-8d15-90e7c6ab31f2']
const issuer = (tenant: string) => `https://login.example/${tenant}/v2.0`

test.each([
  ['https://login.example/{tenantid}/v2.0', true],
  ['https://login.example/{tenantid}', true],
  ['https://login.example/v2.0', false],
  ['https://login.example/{tenantid}/{tenantid}', false],
  ['https://login.example/x{tenantid}/v2.0', false],
  ['https://login.example/{tenantid}x/v2.0', false],
  ['https://login.example/{TENANTID}/v2.0', false],
])('%s is a template for many issuers: %s', (text, stands) => {
  expect(isIssuerTemplate(text)).toBe(stands)
})

describe('the tenant of an issuer', () => {
  test('is the GUID in place of the placeholder', () => {
    expect(tenantOf(template, issuer(one))).toBe(one)
    expect(tenantOf('https://login.example/{tenantid}', `https://login.example/${one}`)).toBe(one)
  })

  test.each([
    template,
    issuer('common'),
    issuer(''),
    issuer(one.toUpperCase()),
    issuer(`${one}/x`),
    issuer(`x/${one}`),
    `${issuer(one)}/`,
    `${issuer(one)} `,
    issuer(one).replace('https', 'http'),
    issuer(one).replace('login', 'evil'),
    `https://evil.example/?${issuer(one)}`,
    'https://login.example//v2.0',
    'https://login.example/v2.0',
    '',
  ])('is missing in %s', (text) => {
    expect(tenantOf(template, text)).toBeNull()
    expect(isTenantIssuer(template, 'any', text)).toBe(false)
  })

  test('is missing where the issuer is no template', () => {
    expect(tenantOf(issuer(one), issuer(one))).toBeNull()
  })

  test('leads back to the issuer, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const tenant = tenantOf(template, text)
        return tenant === null || issuer(tenant) === text
      }),
    )
  })
})

test('users of listed tenants are allowed, or of any', () => {
  expect(isTenantIssuer(template, [one], issuer(one))).toBe(true)
  expect(isTenantIssuer(template, [one], issuer(two))).toBe(false)
  expect(isTenantIssuer(template, 'any', issuer(two))).toBe(true)
})
