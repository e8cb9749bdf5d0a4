import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { CLIENTS } from '../../sandbox/providers/index.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { walker } from './walk.ts'

let sandbox: Sandbox
let walk: ReturnType<typeof walker>
beforeAll(async () => {
  sandbox = await startSandbox({ as: 'ada' })
  walk = walker(sandbox, 'google')
})
beforeEach(() => sandbox.reset())
afterAll(() => sandbox.close())

const jwks = async (): Promise<JSONWebKeySet> => (await fetch(`${sandbox.url}/google/oauth2/v3/certs`)).json()

it('adds its own parameters to the callback, and a slash to the code', async () => {
  const { location } = await walk.authorize()
  const query = location?.searchParams
  expect(query?.get('iss')).toBe('https://accounts.google.com')
  expect(query?.get('authuser')).toBe('0')
  expect(query?.get('hd')).toBe('example.com')
  expect(query?.get('prompt')).toBe('consent')
  expect(query?.get('scope')).toContain('https://www.googleapis.com/auth/userinfo.email')
  expect(query?.get('code')).toMatch(/^4\//)
  expect(location?.search).toContain('code=4%2F')
  expect((await walk.authorize()).location?.searchParams.get('prompt')).toBe('none')
})

it('returns the long names of the scopes and an id_token that verifies', async () => {
  const body = await walk.signIn({ nonce: 'the-nonce' })
  expect(String(body.scope).split(' ').toSorted()).toEqual([
    'https://www.googleapis.com/auth/userinfo.email',
    'https://www.googleapis.com/auth/userinfo.profile',
    'openid',
  ])
  expect(body.expires_in).toBe(3599)
  const { payload } = await jwtVerify(String(body.id_token), createLocalJWKSet(await jwks()), {
    issuer: 'https://accounts.google.com',
    audience: CLIENTS.google.id,
  })
  expect(payload).toMatchObject({
    nonce: 'the-nonce',
    email: 'ada@example.com',
    email_verified: true,
    hd: 'example.com',
  })
})

it('issues a refresh token on the first offline consent and on a forced one only', async () => {
  const offline = { access_type: 'offline' }
  expect((await walk.signIn()).refresh_token).toBeUndefined()
  expect((await walk.signIn(offline)).refresh_token).toBeDefined()
  expect((await walk.signIn(offline)).refresh_token).toBeUndefined()
  expect((await walk.signIn({ ...offline, prompt: 'consent' })).refresh_token).toBeDefined()
})

it('keeps one refresh token through renewals', async () => {
  const { refresh_token } = await walk.signIn({ access_type: 'offline' })
  const first = await walk.renew(refresh_token)
  expect(first.body.access_token).toBeDefined()
  expect(first.body.refresh_token).toBeUndefined()
  expect((await walk.renew(refresh_token)).status).toBe(200)
  sandbox.killRefreshTokens('google')
  expect((await walk.renew(refresh_token)).body.error_description).toBe('Token has been expired or revoked.')
  expect((await walk.renew('1//bogus')).body.error_description).toBe('Bad Request')
})

it('invalidates the oldest of more than a hundred refresh tokens', async () => {
  const changes = { access_type: 'offline', prompt: 'consent' }
  const { refresh_token: oldest } = await walk.signIn(changes)
  for (let n = 0; n < 100; n += 1) await walk.signIn(changes)
  expect((await walk.renew(oldest)).body.error).toBe('invalid_grant')
})

it('has its own error for each mistake at the token endpoint', async () => {
  const code = () => walk.code()
  const said = async (...call: Parameters<typeof walk.trade>) => {
    const { status, body } = await walk.trade(...call)
    return [status, body.error, body.error_description]
  }
  expect(await said('x', { client_id: undefined })).toEqual([
    400,
    'invalid_request',
    'Could not determine client ID from request.',
  ])
  expect(await said('x', { client_id: 'nobody' })).toEqual([401, 'invalid_client', 'The OAuth client was not found.'])
  expect(await said('x', { client_secret: undefined })).toEqual([400, 'invalid_request', 'client_secret is missing.'])
  expect(await said('x', { client_secret: 'x' })).toEqual([401, 'invalid_client', 'Unauthorized'])
  expect(await said(encodeURIComponent(await code()))).toEqual([400, 'invalid_grant', 'Malformed auth code.'])
  expect(await said('4/0Abc')).toEqual([400, 'invalid_grant', 'Bad Request'])
  expect(await said(await code(), { code_verifier: undefined })).toEqual([
    400,
    'invalid_grant',
    'Missing code verifier.',
  ])
  expect(await said(await code(), { code_verifier: 'x' })).toEqual([400, 'invalid_grant', 'Invalid code verifier.'])
  expect(await said(await walk.code({ code_challenge: undefined }))).toEqual([
    400,
    'invalid_grant',
    'code_verifier or verifier is not needed.',
  ])
  expect(await said(await code(), { redirect_uri: 'http://127.0.0.1/x' })).toEqual([
    400,
    'redirect_uri_mismatch',
    'Bad Request',
  ])
  expect(await said('x', { grant_type: 'x' })).toEqual([400, 'unsupported_grant_type', 'Invalid grant_type: x'])
})

it('shows an invalid request on its own page', async () => {
  for (const changes of [{ client_id: 'nobody' }, { redirect_uri: 'http://x/' }, { scope: 'openid offline_access' }]) {
    const { status, location } = await walk.authorize(changes)
    expect([400, 401]).toContain(status)
    expect(location).toBeNull()
  }
})

it('responds to prompt=none without a page', async () => {
  sandbox.as('click')
  const { location } = await walk.authorize({ prompt: 'none' })
  expect(location?.searchParams.get('error')).toBe('interaction_required')
})

it('omits scopes the user did not tick', async () => {
  sandbox.switches.google.unticked = ['email']
  const body = await walk.signIn()
  expect(body.scope).not.toContain('email')
  expect((await walk.profile(body.access_token)).body).not.toHaveProperty('email')
})

it('has the legacy profile on its own path, and accepts the token in the query', async () => {
  const { access_token } = await walk.signIn()
  const legacy = await walk.get('/google/oauth2/v2/userinfo', access_token)
  expect(legacy.body).toMatchObject({ id: expect.stringMatching(/^\d{21}$/), verified_email: true })
  const url = `${sandbox.url}/google/oauth2/v3/userinfo?access_token=${access_token}`
  expect(await (await fetch(url)).json()).toMatchObject({ sub: legacy.body.id, email_verified: true })
  const stranger = await walk.profile('nothing')
  expect([stranger.status, stranger.body]).toEqual([
    401,
    { error: 'invalid_request', error_description: 'Invalid Credentials' },
  ])
})

it('revokes for the whole project, once', async () => {
  const other = { id: 'another-app', secret: 'another-secret' }
  sandbox.addClient('google', other)
  const elsewhere = { client_id: other.id, client_secret: other.secret }
  const ours = await walk.signIn()
  const theirs = (await walk.trade(await walk.code({ client_id: other.id }), elsewhere)).body
  const revoke = (token: unknown) =>
    fetch(`${sandbox.url}/google/revoke`, { method: 'POST', body: new URLSearchParams({ token: String(token) }) })
  const first = await revoke(ours.access_token)
  expect([first.status, await first.json()]).toEqual([200, {}])
  expect((await walk.profile(theirs.access_token)).status).toBe(401)
  const second = await revoke(ours.access_token)
  expect([second.status, await second.json()]).toEqual([
    400,
    { error: 'invalid_token', error_description: 'Token expired or revoked' },
  ])
})

it('publishes two keys and signs with a new one after a rotation', async () => {
  const before = await jwks()
  expect(before.keys).toHaveLength(2)
  sandbox.rotateKeys('google')
  const { id_token } = await walk.signIn()
  const { kid } = decodeProtectedHeader(String(id_token))
  expect(before.keys.map((key) => key.kid)).not.toContain(kid)
  const after = await jwks()
  expect(after.keys.map((key) => key.kid)).toContain(kid)
})

it('omits the email address of some users, and returns long numbers as text', async () => {
  const linus = await walk.profile((await walk.signIn({ login_hint: 'linus' })).access_token)
  expect(linus.body).not.toHaveProperty('email')
  const zoe = await walk.profile((await walk.signIn({ login_hint: 'zoe' })).access_token)
  expect(zoe.body).toMatchObject({ sub: '998877665544332211009', name: 'Zoë 🦊' })
})
