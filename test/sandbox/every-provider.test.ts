import { decodeJwt } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { subjectOf } from '../../sandbox/identities.ts'
import { CLIENTS, lookAlikeOf, PROVIDERS } from '../../sandbox/providers/index.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { redirectUri, walker } from './walk.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ as: 'ada' })
})
beforeEach(() => sandbox.reset())
afterAll(() => sandbox.close())

const refused = ({ status, body }: { status: number; body: Record<string, unknown> }) =>
  body.error !== undefined && body.access_token === undefined && status < 500

describe.each(PROVIDERS)('the %s sandbox', (provider) => {
  const walk = () => walker(sandbox, provider)
  const { denial = 'access_denied', signSecret, paths } = lookAlikeOf(provider)

  it('redirects at once with a code and the state when the user is preselected', async () => {
    const { status, location, form } = await walk().authorize()
    expect(form ? [200] : [302, 303]).toContain(status)
    expect(location?.href.startsWith(`${redirectUri(provider)}?`)).toBe(true)
    expect(location?.searchParams.get('state')).toBe('the-state')
    expect(location?.searchParams.get('code')).toBeTruthy()
  })

  it('exchanges a code for a token that opens the profile', async () => {
    const { body } = await walk().trade(await walk().code())
    expect(body.access_token).toEqual(expect.any(String))
    const ada = sandbox.identities.get('ada')
    expect(await walk().subject(body)).toContain(String(ada && subjectOf(ada, provider)))
  })

  it('accepts a code once', async () => {
    const code = await walk().code()
    expect(refused(await walk().trade(code))).toBe(false)
    expect(refused(await walk().trade(code))).toBe(true)
  })

  it('accepts a code for ten minutes', async () => {
    const [early, late] = [await walk().code(), await walk().code()]
    sandbox.clock.advance(590)
    expect(refused(await walk().trade(early))).toBe(false)
    sandbox.clock.advance(20)
    expect(refused(await walk().trade(late))).toBe(true)
  })

  if (lookAlikeOf(provider).usesPkce !== false)
    it('verifies the PKCE verifier', async () => {
      expect(refused(await walk().trade(await walk().code(), { code_verifier: 'x'.repeat(43) }))).toBe(true)
      expect(refused(await walk().trade(await walk().code(), { code_verifier: undefined }))).toBe(true)
    })

  it('compares the redirect URI again when the code is exchanged', async () => {
    const elsewhere = redirectUri(provider).replace('3000', '3001')
    expect(refused(await walk().trade(await walk().code(), { redirect_uri: elsewhere }))).toBe(true)
  })

  it('never redirects to an unregistered URI', async () => {
    for (const address of [
      `${redirectUri(provider)}/`,
      'https://evil.example/auth/google/callback',
      'http://127.0.0.1:1/x',
    ]) {
      const { location } = await walk().authorize({ redirect_uri: address })
      expect(location === null || location.origin === sandbox.url).toBe(true)
    }
  })

  it('redirects to a registered URI', async () => {
    sandbox.allowRedirect(provider, 'https://app.example/cb')
    const { location } = await walk().authorize({ redirect_uri: 'https://app.example/cb' })
    expect(location?.origin).toBe('https://app.example')
  })

  it('authenticates the client before it checks the code', async () => {
    const withWrongSecret = await walk().trade(await walk().code(), { client_secret: 'wrong' })
    const withBothWrong = await walk().trade('4/wrong', { client_secret: 'wrong' })
    const withWrongCode = await walk().trade('4/wrong')
    expect(refused(withWrongSecret)).toBe(true)
    expect([withBothWrong.status, withBothWrong.body]).toEqual([withWrongSecret.status, withWrongSecret.body])
    expect(withWrongCode.body).not.toEqual(withWrongSecret.body)
  })

  it('returns a denial to the app', async () => {
    sandbox.deny()
    const { location } = await walk().authorize()
    expect(location?.searchParams.get('error')).toBe(denial)
    expect(location?.searchParams.get('state')).toBe('the-state')
  })

  it('shows a page with all users, whose buttons return to the app', async () => {
    sandbox.as('click')
    const { status, text } = await walk().authorize()
    expect(status).toBe(200)
    for (const { key } of sandbox.identities.all()) expect(text).toContain(`value="${key}"`)
    const post = (field: string, value: string) =>
      fetch(walk().authorizeUrl(), {
        method: 'POST',
        redirect: 'manual',
        body: new URLSearchParams({ [field]: value }),
      })
    const grace = await walk().arrival(await post('as', 'grace'))
    expect(grace.status).toBe(grace.form ? 200 : 303)
    const { body } = await walk().trade(grace.location?.searchParams.get('code') ?? '')
    const who = sandbox.identities.get('grace')
    expect(await walk().subject(body)).toContain(String(who && subjectOf(who, provider)))
    const denied = await walk().arrival(await post('deny', '1'))
    expect(denied.location?.searchParams.get('error')).toBe(denial)
  })

  it('selects the user from a hint in the request', async () => {
    const body = await walk().signIn({ login_hint: 'zoe' })
    const zoe = sandbox.identities.get('zoe')
    expect(await walk().subject(body)).toContain(String(zoe && subjectOf(zoe, provider)))
  })

  it('signs in users who were added while it runs', async () => {
    sandbox.addIdentity({ key: 'ida', name: 'Ida', email: 'ida@example.com', verified: false })
    sandbox.as('ida')
    expect((await walk().signIn()).access_token).toEqual(expect.any(String))
  })

  if (lookAlikeOf(provider).hasRefreshTokens !== false)
    it('rejects an invalidated refresh token', async () => {
      sandbox.switches.github.app = 'github-app'
      const { refresh_token } = await walk().signIn({ access_type: 'offline' })
      expect(refresh_token).toEqual(expect.any(String))
      expect(sandbox.killRefreshTokens(provider, 'ada')).toBe(1)
      expect(refused(await walk().renew(refresh_token))).toBe(true)
    })

  if (lookAlikeOf(provider).tokensExpire !== false && paths.userinfo !== undefined)
    it('rejects an expired access token', async () => {
      sandbox.switches.github.app = 'github-app'
      const { access_token, expires_in } = await walk().signIn()
      sandbox.clock.advance(Number(expires_in) + 1)
      expect([400, 401]).toContain((await walk().profile(access_token)).status)
    })

  it('records its requests, secrets included', async () => {
    const code = await walk().code()
    await walk().trade(code)
    const [call] = sandbox.journal.calls(provider, 'token')
    expect(call?.body).toMatchObject({
      code,
      client_secret: signSecret ? expect.any(String) : CLIENTS[provider].secret,
    })
    expect(call?.status).toBe(200)
    expect(sandbox.journal.calls(provider, 'authorize')).toHaveLength(1)
  })
})

it('no user has the same subject at two providers', () => {
  const subjects = sandbox.identities.all().flatMap((who) => PROVIDERS.map((provider) => subjectOf(who, provider)))
  expect(new Set(subjects).size).toBe(subjects.length)
})

it('id_tokens have the time of the sandbox clock', async () => {
  sandbox.clock.advance(30 * 24 * 3600)
  for (const provider of ['google', 'oidc'] as const) {
    const { id_token } = await walker(sandbox, provider).signIn()
    const { iat = 0 } = decodeJwt(String(id_token))
    expect(Math.abs(iat - sandbox.clock.now().getTime() / 1000)).toBeLessThan(5)
  }
})

it('the sandbox starts quickly', async () => {
  const times: number[] = []
  for (let n = 0; n < 3; n += 1) {
    const before = performance.now()
    const other = await startSandbox()
    times.push(performance.now() - before)
    await other.close()
  }
  expect(Math.min(...times)).toBeLessThan(1500)
})
