/** What is unusual about each OpenID provider with a name. What all have in common is in `every-provider.test.ts`. */
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CLIENTS } from '../../sandbox/providers/index.ts'
import { TENANTS } from '../../sandbox/providers/microsoft.ts'
import { type ProviderId, type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { verifier, walker } from './walk.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ as: 'ada' })
})
beforeEach(() => sandbox.reset())
afterAll(() => sandbox.close())

const walk = (provider: ProviderId) => walker(sandbox, provider)
const document = async (path: string): Promise<Record<string, unknown>> =>
  (await fetch(`${sandbox.url}${path}/.well-known/openid-configuration`)).json()
const idToken = async (provider: ProviderId) =>
  decodeJwt(String((await walk(provider).signIn({ nonce: 'n' })).id_token))

describe('Microsoft', () => {
  it.each([
    ['common', '{tenantid}'],
    ['organizations', '{tenantid}'],
    ['consumers', TENANTS.personal],
    [TENANTS.contoso, TENANTS.contoso],
  ])('has a document for %s, whose issuer contains %s', async (segment, tenant) => {
    const found = await document(`/microsoft/${segment}/v2.0`)
    expect(found).toMatchObject({
      issuer: `${sandbox.url}/microsoft/${tenant}/v2.0`,
      token_endpoint: `${sandbox.url}/microsoft/${segment}/oauth2/v2.0/token`,
    })
    expect(found).not.toHaveProperty('revocation_endpoint')
  })

  it('names the tenant in the id_token, and never says that it verified an address', async () => {
    const claims = await idToken('microsoft')
    expect(claims).toMatchObject({ iss: `${sandbox.url}/microsoft/${TENANTS.contoso}/v2.0`, tid: TENANTS.contoso })
    expect(claims).not.toHaveProperty('email_verified')
  })

  it('lets nobody in below the segment of another kind of account', async () => {
    const url = walk('microsoft').authorizeUrl().replace('/common/', '/consumers/')
    const answer = await fetch(url, { redirect: 'manual' })
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('AADSTS50020')])
  })

  it('keeps the old refresh token, and describes errors in several lines', async () => {
    const { refresh_token } = await walk('microsoft').signIn()
    expect((await walk('microsoft').renew(refresh_token)).body.refresh_token).not.toBe(refresh_token)
    expect((await walk('microsoft').renew(refresh_token)).status).toBe(200)
    const { status, body } = await walk('microsoft').renew('unknown')
    expect([status, body.error, body.error_codes]).toEqual([400, 'invalid_grant', [700082]])
    expect(body.error_description).toContain('\r\n')
  })
})

describe('GitLab', () => {
  it('ends the tokens before a refresh at once', async () => {
    const first = await walk('gitlab').signIn()
    expect((await walk('gitlab').renew(first.refresh_token)).status).toBe(200)
    expect((await walk('gitlab').renew(first.refresh_token)).body.error).toBe('invalid_grant')
    expect((await walk('gitlab').profile(first.access_token)).status).toBe(401)
  })

  it('ends the tokens of a code that is used twice', async () => {
    const code = await walk('gitlab').code()
    const { body } = await walk('gitlab').trade(code)
    await walk('gitlab').trade(code)
    expect((await walk('gitlab').profile(body.access_token)).status).toBe(401)
  })

  it('has no offline_access', async () => {
    const { location } = await walk('gitlab').authorize({ scope: 'openid offline_access' })
    expect(location?.searchParams.get('error')).toBe('invalid_scope')
  })
})

describe('Slack', () => {
  it('reports errors with status 200', async () => {
    expect(await walk('slack').trade('x')).toMatchObject({ status: 200, body: { ok: false, error: 'invalid_code' } })
    expect(await walk('slack').profile('x')).toMatchObject({ status: 200, body: { ok: false, error: 'invalid_auth' } })
  })

  it('issues no refresh token unless token rotation is on', async () => {
    expect(await walk('slack').signIn()).not.toHaveProperty('refresh_token')
    sandbox.switches.slack.tokenRotation = true
    const { refresh_token, expires_in } = await walk('slack').signIn()
    expect(expires_in).toBe(43_200)
    expect((await walk('slack').renew(refresh_token)).body).toMatchObject({ ok: true })
    expect((await walk('slack').renew(refresh_token)).body).toEqual({ ok: false, error: 'invalid_refresh_token' })
  })
})

describe('LinkedIn', () => {
  it('repeats no nonce, and says in text that the address is verified', async () => {
    const claims = await idToken('linkedin')
    expect(claims).not.toHaveProperty('nonce')
    expect(claims.email_verified).toBe('true')
  })

  it('rejects a verifier together with a secret as if the secret were wrong', async () => {
    const answer = await walk('linkedin').trade(await walk('linkedin').code(), { code_verifier: verifier })
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
  })
})

it('Okta rejects offline_access without the grant type', async () => {
  expect(await walk('okta').signIn()).toHaveProperty('refresh_token')
  sandbox.switches.okta.refreshToken = false
  expect((await walk('okta').authorize()).location?.searchParams.get('error')).toBe('invalid_scope')
})

it('Auth0’s issuer ends with a slash', async () => {
  const issuer = `${sandbox.url}/auth0/`
  expect([(await document('/auth0')).issuer, (await idToken('auth0')).iss]).toEqual([issuer, issuer])
})

it('Keycloak’s issuer is a realm, which is also in the callback', async () => {
  const issuer = `${sandbox.url}/keycloak/realms/acme`
  expect((await document('/keycloak/realms/acme')).issuer).toBe(issuer)
  expect((await walk('keycloak').authorize()).location?.searchParams.get('iss')).toBe(issuer)
})

it('Zitadel’s id_tokens have several audiences', async () => {
  const { aud, azp } = await idToken('zitadel')
  expect([aud, azp]).toEqual([expect.arrayContaining([CLIENTS.zitadel.id]), CLIENTS.zitadel.id])
  expect([aud].flat().length).toBeGreaterThan(1)
})
