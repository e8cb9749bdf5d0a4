/** Presets over OpenID Connect: what their own settings stand for. */
import { describe, expect, test } from 'vitest'
import { inspectConfig, readConfig } from '../../src/config.ts'

const of = (kind: string, env: Record<string, string>) => {
  const given = { CLIENT_ID: 'client', CLIENT_SECRET: 's3cret-of-sixteen', ...env }
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [`${kind.toUpperCase()}_${name}`, value]))
}
const faultsOf = (env: Record<string, string>) => inspectConfig(env).faults.map((fault) => fault.split(':')[0])

describe.each([
  ['okta', 'DOMAIN', 'acme.okta.com', 'https://acme.okta.com'],
  ['okta', 'DOMAIN', 'https://acme.okta.com/oauth2/default', 'https://acme.okta.com/oauth2/default'],
  ['auth0', 'DOMAIN', 'acme.eu.auth0.com', 'https://acme.eu.auth0.com/'],
  ['auth0', 'DOMAIN', 'https://login.acme.example/', 'https://login.acme.example/'],
  ['keycloak', 'ISSUER', 'https://sso.acme.example/realms/acme/', 'https://sso.acme.example/realms/acme'],
  ['zitadel', 'ISSUER', 'acme.zitadel.cloud', 'https://acme.zitadel.cloud'],
  ['gitlab', 'ISSUER', 'https://git.acme.example', 'https://git.acme.example'],
])('%s with %s=%s', (kind, setting, text, issuer) => {
  test(`has the issuer ${issuer}, and its kind as its ID`, () => {
    expect(readConfig(of(kind, { [setting]: text })).providers).toMatchObject([{ id: kind, kind, issuer }])
  })
})

test.each([
  ['http://acme.okta.com', 'encryption'],
  ['https://user:password@acme.okta.com', 'credentials in the URL'],
  ['acme okta', 'a host'],
  ['acme.okta.com?next=evil', 'an end before the query'],
  ['acme.okta.com/#', 'an end before the fragment'],
])('an address like %s is rejected: it lacks %s', (text) => {
  expect(faultsOf(of('okta', { DOMAIN: text }))).toEqual(['OKTA_DOMAIN'])
})

test.each([
  ['okta', 'DOMAIN'],
  ['auth0', 'DOMAIN'],
  ['keycloak', 'ISSUER'],
  ['zitadel', 'ISSUER'],
  ['microsoft', 'TENANTS'],
  ['linkedin', 'PKCE'],
])('%s requires %s', (kind, setting) => {
  expect(faultsOf(of(kind, {}))).toEqual([`${kind.toUpperCase()}_${setting}`])
})

test.each([
  ['gitlab', 'https://gitlab.com'],
  ['slack', 'https://slack.com'],
])('%s needs only a client', (kind, issuer) => {
  expect(readConfig(of(kind, {})).providers).toMatchObject([{ id: kind, issuer }])
})

test('two providers of one issuer are rejected, whatever their kinds', () => {
  const acme = of('acme', { ISSUER: 'https://gitlab.com' })
  expect(faultsOf({ ...of('gitlab', {}), ...acme, OIDC_PROVIDERS: 'acme' })).toEqual(['OIDC_PROVIDERS'])
})
