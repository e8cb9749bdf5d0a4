import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { TENANTS } from '../../sandbox/providers/microsoft.ts'
import { inspectConfig, readConfig } from '../../src/config.ts'
import { PERSONAL_TENANT } from '../../src/kernel/tenant-issuer.ts'
import { microsoft } from '../../src/providers/definitions/microsoft.ts'
import type { ProviderSettings } from '../../src/providers/provider.ts'
import { providerContract, standardClaims } from './contract.ts'
import { enter, named, startWorld, type TestWorld, visit } from './fixture.ts'

const standard = standardClaims()
providerContract('microsoft', {
  ...standard,
  // The email address and the sign-in name come from the id_token, which is signed.
  spoilt: { ...standard.claims.ada(''), name: 'ada@example.com' },
  userinfoAlone: { emailVerified: false },
  revokes: false,
  registered: {
    as: 'Microsoft, where UserInfo is required',
    arrange: () => {},
    configure: (settings) => ({ ...settings, userinfo: 'required' }),
  },
})

const { contoso, fabrikam } = TENANTS
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

  test('accepts apps of its own registration only: a person has another subject in any other', () => {
    const apps = (ids: string) => inspectConfig(env(contoso, { MICROSOFT_APP_CLIENT_IDS: ids })).faults
    const own = env(contoso).MICROSOFT_CLIENT_ID ?? ''
    expect(apps(own)).toEqual([])
    expect(apps(`${own} ${fabrikam}`).map((fault) => fault.split(':')[0])).toEqual(['MICROSOFT_APP_CLIENT_IDS'])
  })

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

describe('Microsoft', () => {
  let world: TestWorld
  beforeAll(async () => {
    world = await startWorld()
  })
  afterEach(() => world.reset())
  afterAll(() => world.close())

  const open = (tenants: string, more: Partial<ProviderSettings> = {}) => {
    const [settings] = readConfig({
      ...env(tenants),
      NODE_ENV: 'test',
      ...Object.fromEntries(Object.entries(world.sandbox.env).filter(([name]) => name.startsWith('MICROSOFT_'))),
      MICROSOFT_TENANTS: tenants,
    }).providers
    const { providers, heard } = world.open({}, (one) =>
      one.kind === 'microsoft' && settings ? { ...settings, ...more, breaker: one.breaker } : one,
    )
    return { providers, heard, provider: named(providers, 'microsoft') }
  }
  const arrive = async (tenants: string, who: string, claims?: Record<string, unknown>) => {
    const { providers, provider } = open(tenants)
    world.sandbox.as(who)
    const { callback, flow } = await visit(providers, provider)
    if (claims) world.sandbox.fault({ provider: 'microsoft', endpoint: 'token' }, { kind: 'id-token', claims })
    return providers.exchange(provider, callback, flow)
  }
  const issuer = (tenant: string) => `${world.sandbox.url}/microsoft/${tenant}/v2.0`

  test.each([
    ['common', 'ada', contoso],
    ['common', 'grace', PERSONAL_TENANT],
    ['organizations', 'mallory', fabrikam],
    ['consumers', 'grace', PERSONAL_TENANT],
    [contoso, 'ada', contoso],
    [`${contoso} ${fabrikam}`, 'mallory', fabrikam],
  ])('with %s knows %s by the issuer of the tenant', async (tenants, who, tenant) => {
    expect(await arrive(tenants, who)).toMatchObject({ ok: true, value: { issuer: issuer(tenant) } })
  })

  test('with tenant IDs admits nobody from another tenant', async () => {
    expect(await arrive(`${contoso} ${fabrikam}`, 'ada')).toMatchObject({ ok: true })
    const other = '0f3e1b7a-52c4-4d69-8b1e-a6d7c9f04e25'
    expect(await arrive(`${contoso} ${other}`, 'mallory')).toMatchObject({ error: { code: 'sign_in_restricted' } })
  })

  // Microsoft decides by the address where people sign in, and anyone can change that address.
  test('with organizations refuses a personal account, even if Microsoft lets it in', async () => {
    expect(await arrive('organizations', 'ada', { iss: issuer(PERSONAL_TENANT), tid: PERSONAL_TENANT })).toMatchObject({
      error: { code: 'sign_in_restricted' },
    })
  })

  test.each([
    ['another tenant than its issuer', { tid: fabrikam }],
    ['no tenant', { tid: null }],
  ])('with an id_token that names %s is refused', async (_name, claims) => {
    expect(await arrive('common', 'ada', claims)).toMatchObject({ error: { cause: { reason: 'id_token_tenant' } } })
  })

  test('with the template itself as issuer is refused', async () => {
    expect(await arrive('common', 'ada', { iss: issuer('{tenantid}') })).toMatchObject({
      error: { code: 'token_exchange_failed' },
    })
  })

  test('with one tenant refuses the token of another', async () => {
    expect(await arrive(contoso, 'ada', { iss: issuer(fabrikam), tid: fabrikam })).toMatchObject({
      error: { cause: { reason: 'id_token_iss' } },
    })
  })

  test('with keys for personal accounts refuses a token of a company', async () => {
    world.sandbox.switches.microsoft.keyIssuer = issuer(PERSONAL_TENANT)
    expect(await arrive('common', 'ada')).toMatchObject({ error: { code: 'token_exchange_failed' } })
    expect(await arrive('common', 'grace')).toMatchObject({ ok: true })
  })

  test('reads the address and what is known about it only from the id_token', async () => {
    const { providers, provider } = open('common', { emailTrust: 'verified' })
    const change = (body: object) => ({ ...body, email: 'ada@example.com', xms_edov: true, tid: PERSONAL_TENANT })
    world.sandbox.fault({ provider: 'microsoft', endpoint: 'userinfo' }, { kind: 'mutate', change })
    const { claims } = await enter(world.sandbox, providers, provider, 'mallory')
    expect([claims.emailVerified, providers.trusts(provider, claims)]).toEqual([false, false])
    const linus = await enter(world.sandbox, providers, provider, 'linus')
    expect(linus.claims).toMatchObject({ email: null, emailVerified: false })
  })

  test('trusts no address, unless the operator trusts those that Microsoft verified', async () => {
    const { providers, provider } = open('common')
    const { claims } = await enter(world.sandbox, providers, provider, 'ada')
    expect([claims.emailVerified, providers.trusts(provider, claims)]).toEqual([true, false])
    const trusting = open('common', { emailTrust: 'verified' })
    expect(trusting.providers.trusts(trusting.provider, claims)).toBe(true)
  })

  // UserInfo refuses tokens for other resources, and for personal accounts it returned only `sub` for years:
  // https://github.com/MicrosoftDocs/azure-docs/issues/28317
  test('needs no UserInfo', async () => {
    const { providers, provider } = open('common')
    const ada = (await enter(world.sandbox, providers, provider)).claims
    const at = { provider: 'microsoft', endpoint: 'userinfo' } as const
    world.sandbox.fault(at, { kind: 'status', status: 401, body: { error: { code: 'InvalidAuthenticationToken' } } })
    expect((await enter(world.sandbox, providers, provider)).claims).toEqual(ada)
    world.sandbox.clearFaults()
    world.sandbox.fault(at, { kind: 'mutate', change: ({ sub }) => ({ sub }) })
    expect((await enter(world.sandbox, providers, provider)).claims).toEqual(ada)
  })

  test.each([
    ['a dead refresh token', 400, 'invalid_grant', 'needs_reauthorization'],
    ['a missing second factor', 400, 'interaction_required', 'needs_reauthorization'],
    ['an administrator who must consent', 400, 'consent_required', 'needs_reauthorization'],
    ['a secret that expired', 401, 'invalid_client', 'client_config'],
    ['an app that was removed from the tenant', 400, 'unauthorized_client', 'client_config'],
    ['an outage', 400, 'temporarily_unavailable', 'transient'],
  ])('that refuses a refresh for %s is classified', async (_name, status, error, tag) => {
    const { providers, provider } = open('common')
    const body = { error, error_description: 'AADSTS65001: …\r\nTrace ID: …', suberror: 'consent_required' }
    world.sandbox.fault({ provider: 'microsoft', endpoint: 'token' }, { kind: 'status', status, body })
    expect(await providers.refresh(provider, '1.AQ')).toEqual({ tag, reason: error })
  })
})
