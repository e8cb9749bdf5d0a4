import { request } from 'node:http'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { CLIENTS } from '../../sandbox/providers/index.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { walker } from './walk.ts'

let sandbox: Sandbox
let walk: ReturnType<typeof walker>
beforeAll(async () => {
  sandbox = await startSandbox({ as: 'ada', appOrigin: 'https://app.example' })
  walk = walker(sandbox, 'github')
})
beforeEach(() => sandbox.reset())
afterAll(() => sandbox.close())

const JSON_PLEASE = { accept: 'application/json' }
const application = (what: string, token: unknown, { id, secret } = CLIENTS.github) =>
  fetch(`${sandbox.url}/github/applications/${CLIENTS.github.id}/${what}`, {
    method: 'DELETE',
    headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}`, 'content-type': 'application/json' },
    body: JSON.stringify({ access_token: token }),
  })

it('responds form-encoded unless JSON was requested, with commas between scopes', async () => {
  const form = await walk.trade(await walk.code())
  expect(form.type).toContain('application/x-www-form-urlencoded')
  expect(form.text).toMatch(/^access_token=gho_\w{36}&scope=read%3Auser%2Cuser%3Aemail&token_type=bearer$/)
  const json = await walk.trade(await walk.code(), {}, JSON_PLEASE)
  expect(json.type).toContain('application/json')
  expect(json.body).toMatchObject({ scope: 'read:user,user:email', token_type: 'bearer' })
})

it('refuses with 200, in the same format as its other responses', async () => {
  const form = await walk.trade('wrong')
  expect([form.status, form.type.split(';')[0]]).toEqual([200, 'application/x-www-form-urlencoded'])
  expect(form.body.error).toBe('bad_verification_code')
  const json = await walk.trade('wrong', { client_secret: 'wrong' }, JSON_PLEASE)
  expect(json.status).toBe(200)
  expect(json.body).toMatchObject({
    error: 'incorrect_client_credentials',
    error_description: 'The client_id and/or client_secret passed are incorrect.',
  })
})

it('returns 404 for an unknown client', async () => {
  expect(await walk.authorize({ client_id: 'nobody' })).toMatchObject({ status: 404, location: null })
  const { status, body } = await walk.trade('x', { client_id: 'nobody' })
  expect([status, body]).toEqual([404, { error: 'Not Found' }])
})

it('rejects a code of another client', async () => {
  sandbox.addClient('github', { id: 'other', secret: 'other-secret' })
  const { body } = await walk.trade(await walk.code(), { client_id: 'other', client_secret: 'other-secret' })
  expect(body.error).toBe('bad_verification_code')
})

it('redirects a wrong redirect URI to the registered one', async () => {
  const { location } = await walk.authorize({ redirect_uri: 'https://evil.example/' })
  expect(location?.href).toMatch(/^https:\/\/app\.example\/auth\/github\/callback\?error=redirect_uri_mismatch/)
})

it('rejects PKCE with the plain method', async () => {
  expect(await walk.authorize({ code_challenge_method: 'plain' })).toMatchObject({ status: 400, location: null })
})

it('requires a User-Agent', async () => {
  const { access_token } = await walk.signIn()
  const headers = { authorization: `Bearer ${access_token}` }
  const answer = await new Promise<[number | undefined, string]>((resolve, reject) => {
    request(`${sandbox.url}/github/user`, { headers }, (res) => {
      let text = ''
      res.on('data', (chunk) => {
        text += chunk
      })
      res.on('end', () => resolve([res.statusCode, text]))
    })
      .on('error', reject)
      .end()
  })
  expect(answer).toEqual([403, expect.stringContaining('Request forbidden by administrative rules.')])
})

it('lists email addresses thirty at a time', async () => {
  const { access_token } = await walk.signIn({ login_hint: 'zoe' })
  const first = await fetch(`${sandbox.url}/github/user/emails`, {
    headers: { authorization: `token ${access_token}` },
  })
  const list = await first.json()
  expect(list).toHaveLength(30)
  expect(list).not.toContainEqual(expect.objectContaining({ primary: true }))
  const next = /<([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? ''
  const second = await fetch(next, { headers: { authorization: `token ${access_token}` } })
  expect(await second.json()).toContainEqual(expect.objectContaining({ primary: true, email: 'zoe@example.net' }))
})

it('has unverified and private primary email addresses', async () => {
  const emails = async (who: string) =>
    (await walk.get('/github/user/emails', (await walk.signIn({ login_hint: who })).access_token)).body
  expect(await emails('grace')).toContainEqual(expect.objectContaining({ primary: true, verified: false }))
  const linus = (await emails('linus')) as unknown as { email: string; verified: boolean }[]
  expect(linus.filter(({ verified }) => verified).map(({ email }) => email)).toEqual([
    expect.stringMatching(/@users\.noreply\.github\.com$/),
  ])
})

it('hides the email addresses without the scope or the permission', async () => {
  sandbox.switches.github.unticked = ['user:email']
  expect((await walk.get('/github/user/emails', (await walk.signIn()).access_token)).status).toBe(404)
  sandbox.switches.github.app = 'github-app'
  sandbox.switches.github.emailPermission = false
  const app = await walk.get('/github/user/emails', (await walk.signIn()).access_token)
  expect([app.status, app.body.message]).toEqual([403, 'Resource not accessible by integration'])
})

it('reports organization memberships to clients with the permission', async () => {
  const asked = async (organization: string, who = 'ada', scope = 'read:user read:org') => {
    const { access_token } = await walk.signIn({ login_hint: who, scope })
    const { status, body } = await walk.get(`/github/user/memberships/orgs/${organization}`, access_token)
    return [status, body.state ?? body.message]
  }
  expect(await asked('acme')).toEqual([200, 'active'])
  expect(await asked('acme', 'grace')).toEqual([200, 'pending'])
  expect(await asked('acme', 'zoe')).toEqual([404, 'Not Found'])
  expect(await asked('initech')).toEqual([403, expect.stringContaining('OAuth App access restrictions')])
  expect(await asked('acme', 'ada', 'read:user')).toEqual([403, expect.stringContaining('read:org scope')])
  sandbox.switches.github.app = 'github-app'
  expect(await asked('initech')).toEqual([200, 'active'])
  sandbox.switches.github.membersPermission = false
  expect(await asked('acme')).toEqual([403, 'Resource not accessible by integration'])
})

it('has expiring tokens without scopes as a GitHub App, and rotates without a grace period', async () => {
  sandbox.switches.github.app = 'github-app'
  const first = (await walk.trade(await walk.code(), {}, JSON_PLEASE)).body
  expect(first).toMatchObject({ expires_in: 28800, refresh_token_expires_in: 15811200, scope: '' })
  expect(first.access_token).toMatch(/^ghu_/)
  const second = (await walk.renew(first.refresh_token)).body
  expect(second.refresh_token).toMatch(/^ghr_/)
  expect((await walk.profile(first.access_token)).body.message).toBe('Bad credentials')
  const again = await walk.renew(first.refresh_token)
  expect([again.status, again.body.error]).toEqual([200, 'bad_refresh_token'])
  expect((await walk.renew(second.refresh_token)).body.access_token).toBeDefined()
})

it('deletes one token, or the whole authorization', async () => {
  const [one, two] = [await walk.signIn(), await walk.signIn()]
  expect((await application('token', one.access_token)).status).toBe(204)
  expect((await walk.profile(one.access_token)).status).toBe(401)
  expect((await walk.profile(two.access_token)).status).toBe(200)
  expect((await application('token', one.access_token)).status).toBe(404)
  expect((await application('grant', two.access_token, { id: CLIENTS.github.id, secret: 'x' })).status).toBe(401)
  expect((await application('grant', two.access_token)).status).toBe(204)
  expect((await walk.profile(two.access_token)).status).toBe(401)
})
