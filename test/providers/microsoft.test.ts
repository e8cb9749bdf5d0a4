import { describe, expect, test } from 'vitest'
import { inspectConfig, readConfig } from '../../src/config.ts'
import { PERSONAL_TENANT } from '../../src/kernel/tenant-issuer.ts'
import { microsoft } from '../../src/providers/definitions/microsoft.ts'
import type { ProviderSettings } from '../../src/providers/provider.ts'

const contoso = '6c41f1a9-3e58-4b0c-9a67-2f9d1c5be0d4'
const fabrikam = 'b8d0a2c3-74e1-4f2a-8d15-90e7c6ab31f2'
const env = (tenants: string, more: Record<string, string> = {}) => ({
  MICROSOFT_CLIENT_ID: 'client',
  MICROSOFT_CLIENT_SECRET: 's3cret-of-sixteen',
  MICROSOFT_TENANTS: tenants,
  ...more,
})
const host = 'https://login.microsoftonline.com'
const document = (path: string) => `${host}/${path}/v2.0/.well-known/openid-configuration`

describe('MICROSOFT_TENANTS', () => {
  test.each([
    ['the ID of one tenant', contoso.toUpperCase(), contoso, contoso, undefined],
    ['consumers', 'consumers', PERSONAL_TENANT, 'consumers', undefined],
    ['several IDs', `${contoso} ${fabrikam}`, '{tenantid}', 'organizations', [contoso, fabrikam]],
    ['an ID twice', `${contoso},${contoso}`, contoso, contoso, undefined],
    [
      'several IDs with that of personal accounts',
      `${contoso},${PERSONAL_TENANT}`,
      '{tenantid}',
      'common',
      [contoso, PERSONAL_TENANT],
    ],
    ['organizations', 'organizations', '{tenantid}', 'organizations', 'organizations'],
    ['common', 'Common', '{tenantid}', 'common', 'any'],
    ['any', 'any', '{tenantid}', 'common', 'any'],
  ])('with %s chooses the issuer and the document', (_name, text, tenant, path, tenants) => {
    const [settings] = readConfig(env(text)).providers
    expect(settings).toMatchObject({ issuer: `${host}/${tenant}/v2.0`, discoveryUrl: document(path) })
    expect(settings?.tenants).toEqual(tenants)
  })

  test.each(['contoso.onmicrosoft.com', 'organizations,consumers', `organizations ${contoso}`, '*', ','])(
    'with %s is rejected',
    (text) => {
      expect(inspectConfig(env(text)).faults.map((fault) => fault.split(':')[0])).toEqual(['MICROSOFT_TENANTS'])
    },
  )

  test('works in a national cloud', () => {
    const authority = { MICROSOFT_AUTHORITY: 'https://login.microsoftonline.us/' }
    expect(readConfig(env(contoso, authority)).providers).toMatchObject([
      { issuer: `https://login.microsoftonline.us/${contoso}/v2.0` },
    ])
  })
})

describe('the claims of Microsoft', () => {
  const read = (json: Record<string, unknown>) =>
    microsoft.claims({ id: '', _json: { sub: 's', email: 'ada@example.com', ...json } }, {} as ProviderSettings)

  // The administrator of a tenant can write any address into an account ("nOAuth").
  test.each([
    ['nothing about the address', {}, false],
    ['email_verified, which Microsoft does not send', { email_verified: true }, false],
    ['a domain that the tenant does not own', { tid: contoso, xms_edov: false }, false],
    ['a domain that it does not own, as text', { tid: contoso, xms_edov: '0' }, false],
    ['a domain that the tenant owns', { tid: contoso, xms_edov: true }, true],
    ['a domain that it owns, as a number', { tid: contoso, xms_edov: 1 }, true],
    ['a domain that it owns, as text', { tid: contoso, xms_edov: '1' }, true],
    ['something else about the domain', { tid: contoso, xms_edov: ['true'] }, false],
    ['a personal account', { tid: PERSONAL_TENANT }, true],
    ['a personal account without an address', { tid: PERSONAL_TENANT, email: undefined }, false],
  ])('with %s', (_name, json, emailVerified) => {
    expect(read(json)).toMatchObject({ emailVerified, emailAuthoritative: false })
  })

  test('use the sign-in name if there is no name, and never as an email address', () => {
    expect(read({ email: undefined, preferred_username: 'ada@contoso.com' })).toMatchObject({
      email: null,
      name: 'ada@contoso.com',
    })
  })

  test('leave out a picture that a page cannot show', () => {
    expect(read({ picture: 'https://graph.microsoft.com/v1.0/me/photo/$value' })).toMatchObject({ picture: null })
  })
})
