import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { ACME_SITE, GLOBEX_SITE, INITECH_SITE } from '../../sandbox/providers/atlassian.ts'
import { CLIENTS } from '../../sandbox/providers/index.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { redirectUri, verifier, walker } from './walk.ts'

let sandbox: Sandbox
let walk: ReturnType<typeof walker>
beforeAll(async () => {
  sandbox = await startSandbox({ as: 'ada' })
  walk = walker(sandbox, 'atlassian')
})
beforeEach(() => sandbox.reset())
afterAll(() => sandbox.close())

const SITES = '/atlassian/oauth/token/accessible-resources'
const DESKS = '/rest/servicedeskapi/servicedesk'
const DEAD = { status: 403, body: { error: 'unauthorized_client', error_description: 'refresh_token is invalid' } }

it('requires audience and prompt', async () => {
  expect(await walk.authorize({ audience: undefined })).toMatchObject({ status: 400, location: null })
  expect(await walk.authorize({ prompt: undefined })).toMatchObject({ status: 400, location: null })
})

it('shows a wrong redirect URI on its own error page', async () => {
  const { location } = await walk.authorize({ redirect_uri: 'https://evil.example/cb' })
  expect(location?.pathname).toBe('/atlassian/error')
  expect(location?.searchParams.get('error')).toBe('unauthorized_client')
  expect((await fetch(location ?? '')).headers.get('content-type')).toContain('text/html')
})

it('issues long codes and tokens, and accepts JSON', async () => {
  const code = await walk.code()
  expect(code.length).toBeGreaterThan(1400)
  const response = await fetch(walk.tokenUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      grant_type: 'authorization_code',
      client_id: CLIENTS.atlassian.id,
      client_secret: CLIENTS.atlassian.secret,
      code,
      redirect_uri: redirectUri('atlassian'),
      code_verifier: verifier,
    }),
  })
  const body = await response.json()
  expect(body.access_token.length).toBeGreaterThan(3900)
  expect(body).toMatchObject({ expires_in: 3600, token_type: 'Bearer', refresh_token: expect.any(String) })
})

it('issues a refresh token for offline_access only', async () => {
  expect((await walk.signIn({ scope: 'read:me' })).refresh_token).toBeUndefined()
})

it('accepts the previous refresh token for ten minutes, and ends the family after them', async () => {
  const first = await walk.signIn()
  const second = (await walk.renew(first.refresh_token)).body
  sandbox.clock.advance(599)
  const racer = (await walk.renew(first.refresh_token)).body
  expect(racer.refresh_token).not.toBe(second.refresh_token)
  sandbox.clock.advance(2)
  expect(await walk.renew(first.refresh_token)).toMatchObject(DEAD)
  expect(await walk.renew(second.refresh_token)).toMatchObject(DEAD)
  expect((await walk.profile(second.access_token)).status).toBe(401)
})

it('invalidates the access token from before a rotation when the grace period ends', async () => {
  const first = await walk.signIn()
  await walk.renew(first.refresh_token)
  sandbox.clock.advance(590)
  expect((await walk.profile(first.access_token)).status).toBe(200)
  sandbox.clock.advance(20)
  expect((await walk.profile(first.access_token)).status).toBe(401)
})

it('has no grace period in strict mode', async () => {
  sandbox.switches.atlassian.strict = true
  const { refresh_token } = await walk.signIn()
  const second = await walk.renew(refresh_token)
  expect(second.status).toBe(200)
  expect(await walk.renew(refresh_token)).toMatchObject(DEAD)
  expect(await walk.renew(second.body.refresh_token)).toMatchObject(DEAD)
})

it('expires a refresh token after ninety idle days', async () => {
  const { refresh_token } = await walk.signIn()
  sandbox.clock.advance(91 * 24 * 3600)
  expect(await walk.renew(refresh_token)).toMatchObject(DEAD)
})

it('returns the configured error texts', async () => {
  expect(await walk.trade('x', { client_secret: 'x' })).toMatchObject({
    status: 401,
    body: { error: 'access_denied' },
  })
  sandbox.switches.atlassian.deadRefresh = 'documented'
  sandbox.switches.atlassian.deadCode = 'legacy'
  sandbox.switches.atlassian.wrongSecret = 'invalid_client'
  expect((await walk.renew('x')).body.error_description).toBe('Unknown or invalid refresh token.')
  expect(await walk.trade('x')).toMatchObject({ status: 403, body: { error: 'invalid_grant' } })
  expect(await walk.trade('x', { client_secret: 'x' })).toMatchObject({
    status: 400,
    body: { error: 'invalid_client' },
  })
})

it('lists a site once for each product, and none for identity scopes alone', async () => {
  const list = async (changes = {}) => (await walk.get(SITES, (await walk.signIn(changes)).access_token)).body
  const ids = ((await list()) as unknown as { id: string }[]).map(({ id }) => id)
  expect(ids).toEqual([ACME_SITE.id, ACME_SITE.id, GLOBEX_SITE.id, GLOBEX_SITE.id])
  expect(await list({ login_hint: 'linus' })).toEqual([])
  expect(await list({ scope: 'read:me' })).toEqual([])
})

it('distinguishes a missing scope from an invalid token, both 401', async () => {
  const { access_token } = await walk.signIn({ scope: 'read:jira-work' })
  expect((await walk.profile(access_token)).body.message).toBe('Unauthorized; scope does not match')
  expect((await walk.profile('nothing')).body).toEqual({ code: 401, message: 'Unauthorized' })
})

it('paginates service desks and queues', async () => {
  const { access_token } = await walk.signIn()
  const base = `/atlassian/ex/jira/${ACME_SITE.id}${DESKS}`
  expect((await walk.get(base, access_token)).body).toMatchObject({ size: 2, isLastPage: true })
  const first = await walk.get(`${base}/1/queue?includeCount=true&limit=2`, access_token)
  expect(first.body).toMatchObject({ size: 2, start: 0, limit: 2, isLastPage: false })
  const rest = await walk.get(`${base}/1/queue?start=2&limit=2`, access_token)
  expect(rest.body).toMatchObject({ size: 1, start: 2, isLastPage: true })
  expect(JSON.stringify(first.body)).toContain('"issueCount":42')
  expect(JSON.stringify(rest.body)).not.toContain('issueCount')
  expect((await walk.get(`${base}/9/queue`, access_token)).status).toBe(404)
  expect((await walk.get(`/atlassian/ex/jira/unknown${DESKS}`, access_token)).status).toBe(404)
})

it('hides queues from users who are not agents', async () => {
  const { access_token } = await walk.signIn({ login_hint: 'grace' })
  const { status } = await walk.get(`/atlassian/ex/jira/${INITECH_SITE.id}${DESKS}/3/queue`, access_token)
  expect(status).toBe(403)
})

it('has no revocation, unless enabled', async () => {
  const { access_token, refresh_token } = await walk.signIn()
  const { id: client_id, secret: client_secret } = CLIENTS.atlassian
  const body = new URLSearchParams({ token: String(refresh_token), client_id, client_secret })
  const revoke = () => fetch(`${sandbox.url}/atlassian/oauth/revoke`, { method: 'POST', body })
  expect((await revoke()).status).toBe(404)
  sandbox.switches.atlassian.revoke = 200
  expect((await revoke()).status).toBe(200)
  expect((await walk.profile(access_token)).status).toBe(401)
})
