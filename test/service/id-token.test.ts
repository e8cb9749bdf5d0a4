/** Sign-ins of native apps with an id_token: POST /auth/:provider/id-token. */
import { createHash, randomBytes } from 'node:crypto'
import { TOTP } from 'otpauth'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Forgery } from '../../sandbox/id-token.ts'
import { CLIENTS } from '../../sandbox/providers/index.ts'
import { TENANTS } from '../../sandbox/providers/microsoft.ts'
import { type Answer, aboveStore, authOf, type Json, refusalOf, startWorld, type World } from '../support/service.ts'

const ios = 'ios.apps.googleusercontent.example'
const android = 'android.apps.googleusercontent.example'
const server = 'server.apps.googleusercontent.example'
const env = { GOOGLE_APP_CLIENT_IDS: `${ios} ${android} ${server}` }
const hashed = (nonce: string): string => createHash('sha256').update(nonce).digest('hex')

describe.each(aboveStore('SQLite'))('an id_token from a native app, on %s', (database) => {
  let world: World
  let restricted: Awaited<ReturnType<World['another']>>
  beforeAll(async () => {
    world = await startWorld({ database, env })
    restricted = await world.another({ GOOGLE_HOSTED_DOMAINS: 'corp.example' })
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  /** What the provider's library returns to an app that asked for this nonce. */
  function issue(
    who: string,
    nonce: string,
    changes: Record<string, unknown> = {},
    forgery?: Forgery,
  ): Promise<string> {
    const person = world.sandbox.identities.get(who)?.google
    const at = Math.floor(world.clock().getTime() / 1000)
    const claims = { iss: 'https://accounts.google.com', aud: ios, azp: ios, ...person, nonce }
    const all = { ...claims, iat: at, exp: at + 3600, ...changes }
    return world.sandbox.signIdToken(
      'google',
      Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)),
      forgery,
    )
  }
  const newNonce = (): string => randomBytes(32).toString('base64url')
  const send = (idToken: string, nonce: string, provider = 'google', at = world.base): Promise<Answer> =>
    world.call('POST', `/auth/${provider}/id-token`, { body: { id_token: idToken, nonce }, at })
  /** A complete sign-in of an app. */
  async function signIn(who: string, changes: Record<string, unknown> = {}, at = world.base): Promise<Answer> {
    const nonce = newNonce()
    return send(await issue(who, nonce, changes), nonce, 'google', at)
  }
  const entriesOf = async (event: string): Promise<readonly Json[]> =>
    (await world.trail()).filter((entry) => entry.event === event)

  test('creates the account that the browser signs in to as well, and stores no tokens', async () => {
    const who = world.newcomer()
    const created = authOf(await signIn(who))
    expect(created).toMatchObject({
      action: 'created_new_user',
      user: { email: world.emailOf(who), email_verified: true, name: world.sandbox.identities.get(who)?.google?.name },
      provider_info: { provider: 'google', provider_user_id: world.sandbox.identities.get(who)?.google?.sub },
    })
    expect(
      (await world.dump('grants')).grants?.filter(({ subject }) => subject === created.provider_info.provider_user_id),
    ).toEqual([])
    const again = authOf(await signIn(who))
    const inBrowser = await world.signIn('google', who)
    for (const auth of [again, inBrowser]) expect(auth).toMatchObject({ action: 'login_existing', user: created.user })
    const me = await world.call('GET', '/me', { token: again.access_token })
    expect(me.body.id).toBe(created.user.id)
    expect(
      (await entriesOf('authentication.succeeded')).filter((entry) => entry.account_id === created.user.id),
    ).toHaveLength(3)
  })

  test('leaves what the browser was granted as it is', async () => {
    const who = world.newcomer()
    const { access_token: token } = await world.signIn('google', who)
    const identities = async () => (await world.call('GET', '/me/identities', { token })).text
    const stored = async () => (await world.dump('grants')).grants
    const [before, grants] = [JSON.parse(await identities()), await stored()]
    world.turn(1)
    authOf(await signIn(who))
    expect(JSON.parse(await identities())).toEqual([{ ...before[0], last_used_at: expect.any(String) }])
    expect(await stored()).toEqual(grants)
  })

  test.each([
    ['the nonce', (nonce: string) => nonce],
    ['the SHA-256 of the nonce', hashed],
  ])('may contain %s', async (_, nonceOf) => {
    const nonce = newNonce()
    authOf(await send(await issue(world.newcomer(), nonce, { nonce: nonceOf(nonce) }), nonce))
  })

  test('may be issued on Android to the server, for an app', async () => {
    authOf(await signIn(world.newcomer(), { aud: server, azp: android }))
    authOf(await signIn(world.newcomer(), { azp: undefined }))
  })

  const now = () => Math.floor(world.clock().getTime() / 1000)
  test.each<[string, (nonce: string) => Record<string, unknown>, Forgery | undefined, string]>([
    [
      'for the client of the browser',
      () => ({ aud: 'sandbox-google-client', azp: 'sandbox-google-client' }),
      undefined,
      'aud',
    ],
    ['for an unknown client', () => ({ aud: 'other', azp: 'other' }), undefined, 'aud'],
    ['for several audiences', () => ({ aud: [ios, android] }), undefined, 'aud'],
    ['for a list of audiences with a stranger', () => ({ aud: ['other', ios] }), undefined, 'aud'],
    ['for no audience', () => ({ aud: undefined }), undefined, 'aud'],
    ['for our server, but requested by an unknown app', () => ({ aud: server, azp: 'other' }), undefined, 'azp'],
    ['with a list for azp', () => ({ azp: [ios] }), undefined, 'azp'],
    ['with another nonce', () => ({ nonce: 'another-nonce-entirely' }), undefined, 'nonce'],
    ['without a nonce', () => ({ nonce: undefined }), undefined, 'nonce'],
    ['with the hash of another nonce', () => ({ nonce: hashed('another') }), undefined, 'nonce'],
    ['with the hash in upper case', (nonce) => ({ nonce: hashed(nonce).toUpperCase() }), undefined, 'nonce'],
    ['with the nonce in a list', (nonce) => ({ nonce: [nonce] }), undefined, 'nonce'],
    ['of another issuer', () => ({ iss: 'https://evil.example' }), undefined, 'iss'],
    ['of another provider of ours', () => ({ iss: 'https://appleid.apple.com' }), undefined, 'iss'],
    ['without a subject', () => ({ sub: undefined }), undefined, 'sub'],
    ['that has expired', () => ({ iat: now() - 120, exp: now() - 61 }), undefined, 'exp'],
    ['without an expiry', () => ({ exp: undefined }), undefined, 'exp'],
    ['from the future', () => ({ iat: now() + 62 }), undefined, 'iat'],
    ['without iat', () => ({ iat: undefined }), undefined, 'iat'],
    ['that is not valid yet', () => ({ nbf: now() + 120 }), undefined, 'nbf'],
    ['that is eleven minutes old', () => ({ iat: now() - 661 }), undefined, 'age'],
    ['that is not signed', () => ({}), { alg: 'none' }, 'alg'],
    ['signed with the client secret', () => ({}), { alg: 'HS256' }, 'alg'],
    ['signed by an unknown key', () => ({}), { kid: 'unknown' }, 'unknown_key'],
    ['signed by another key under a known ID', () => ({}), { kid: 'google-rs256-1' }, 'signature'],
    ['of another type', () => ({}), { header: { typ: 'at+jwt' } }, 'typ'],
    ['with critical headers', () => ({}), { header: { crit: ['x'], x: true } }, 'crit'],
  ])('is rejected %s', async (_, changesOf, forgery, reason) => {
    const [who, nonce] = [world.newcomer(), newNonce()]
    const refused = await send(await issue(who, nonce, changesOf(nonce), forgery), nonce)
    expect([...refusalOf(refused), refused.body.reason], refused.text).toEqual([400, 'id_token_rejected', reason])
    expect((await entriesOf('authentication.failed')).at(-1)).toMatchObject({ account_id: null })
    // The rejected token is not remembered: the real one still works.
    authOf(await send(await issue(who, nonce), nonce))
  })

  test('is rejected if it is no token at all', async () => {
    for (const text of ['x', 'a.b.c', '..', 'eyJhbGciOiJSUzI1NiJ9.bm90IGpzb24.c2ln', `${'a'.repeat(16_384)}`])
      expect(refusalOf(await send(text, newNonce()))).toEqual([400, 'id_token_rejected'])
  })

  test('is accepted once, also when it is sent fifty times at once', async () => {
    const [who, nonce] = [world.newcomer(), newNonce()]
    const token = await issue(who, nonce)
    const answers = await Promise.all(Array.from({ length: 50 }, () => send(token, nonce)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(new Set(answers.filter(({ status }) => status !== 200).map((one) => refusalOf(one).join(' ')))).toEqual(
      new Set(['400 id_token_already_used']),
    )
    // Also on another node, and with a signature that is written in another way.
    const rewritten = `${token.slice(0, -1)}${String.fromCharCode(token.charCodeAt(token.length - 1) ^ 1)}`
    for (const text of [token, rewritten]) expect((await send(text, nonce, 'google', restricted.base)).status).toBe(400)
    // A month later the row is gone, and the token is too old.
    world.turn(3600 * 24)
    await world.vinculum.runJob('sweep-expired')
    world.turn(3600 * 24)
    await world.vinculum.runJob('sweep-expired')
    const { tickets = [] } = await world.dump('tickets')
    expect(tickets.filter(({ purpose }) => purpose === 'provider_id_token')).toEqual([])
    expect((await send(token, nonce)).body.code).toBe('id_token_rejected')
  })

  test('does not reveal itself or its nonce in the database or the log', async () => {
    const nonce = newNonce()
    const token = await issue(world.newcomer(), nonce)
    authOf(await send(token, nonce))
    const everything = JSON.stringify(await world.dump()) + world.logged.join('\n')
    for (const secret of [token, token.split('.')[1], token.split('.')[2], nonce])
      expect(everything).not.toContain(secret)
  })

  test('fetches the keys only a few times, whatever key IDs tokens name', async () => {
    world.turn(3600)
    authOf(await signIn(world.newcomer()))
    world.sandbox.clearJournal()
    const [who, nonce] = [world.newcomer(), newNonce()]
    for (let n = 0; n < 30; n++) await send(await issue(who, nonce, {}, { kid: `unknown-${n}` }), nonce)
    expect(world.sandbox.journal.calls('google', 'jwks').length).toBeLessThanOrEqual(1)
    authOf(await signIn(who))
  })

  test('cannot be checked while the keys cannot be fetched, and is not used up by that', async () => {
    world.turn(7200)
    const other = await world.another()
    const [who, nonce] = [world.newcomer(), newNonce()]
    const token = await issue(who, nonce)
    world.sandbox.fault({ provider: 'google', endpoint: 'jwks' }, { kind: 'status', status: 503 })
    const refused = await send(token, nonce, 'google', other.base)
    expect(refusalOf(refused)).toEqual([503, 'provider_unavailable'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    world.sandbox.clearFaults()
    authOf(await send(token, nonce, 'google', other.base))
  })

  test('needs app client IDs, and a provider that has them', async () => {
    const [nonce, off] = [newNonce(), await world.another({ GOOGLE_APP_CLIENT_IDS: '' })]
    const token = await issue(world.newcomer(), nonce)
    expect(refusalOf(await send(token, nonce, 'google', off.base))).toEqual([404, 'app_sign_in_not_configured'])
    for (const provider of ['github', 'atlassian', 'acme', 'beta'])
      expect(refusalOf(await send(token, nonce, provider))).toEqual([404, 'app_sign_in_not_configured'])
    expect(refusalOf(await send(token, nonce, 'nobody'))).toEqual([404, 'provider_not_found'])
  })

  test.each([
    [{}],
    [{ id_token: 'x' }],
    [{ nonce: 'n'.repeat(32) }],
    [{ id_token: 'x', nonce: 'short' }],
    [{ id_token: 'x', nonce: 'with a space in it' }],
    [{ id_token: 'x', nonce: 'n'.repeat(513) }],
    [{ id_token: 'x'.repeat(16_385), nonce: 'n'.repeat(32) }],
    [{ id_token: ['x'], nonce: 'n'.repeat(32) }],
    [{ id_token: 'x', nonce: 'n'.repeat(32), intent: 'link' }],
  ])('needs exactly an id_token and a nonce: %j', async (body) => {
    expect(refusalOf(await world.call('POST', '/auth/google/id-token', { body }))).toEqual([400, 'invalid_request'])
  })

  test('is not accepted from a page of another site, or as a form', async () => {
    const nonce = newNonce()
    const form = { id_token: await issue(world.newcomer(), nonce), nonce }
    expect((await world.call('POST', '/auth/google/id-token', { form })).status).toBe(415)
    const headers = { cookie: 'vinculum_session=x', origin: 'https://evil.example' }
    expect(refusalOf(await world.call('POST', '/auth/google/id-token', { body: form, headers }))).toEqual([
      403,
      'csrf_failed',
    ])
  })

  test('asks for the second factor of the account', async () => {
    const who = world.newcomer()
    const { access_token: token } = authOf(await signIn(who))
    const begun = await world.call('POST', '/me/second-factor/totp', { token, body: {} })
    const totp = new TOTP({ secret: String(begun.body.secret) })
    const code = () => totp.generate({ timestamp: world.clock().getTime() })
    await world.call('POST', '/me/second-factor/totp/confirm', { token, body: { code: code() } })
    world.turn(30)
    const half = await signIn(who)
    expect(refusalOf(half)).toEqual([401, 'second_factor_required'])
    const body = { second_factor_ticket: half.body.second_factor_ticket, totp: code() }
    expect((await world.call('POST', '/auth/second-factor', { body })).status).toBe(200)
  })

  test('opens a conflict, which the app resolves with the nonce', async () => {
    const email = `taken-${randomBytes(4).toString('hex')}@example.net`
    const owner = await world.call('POST', '/auth/register', { body: { email, password: 'correct horse battery 9' } })
    expect(owner.status).toBe(201)
    const who = world.newcomer({ email }, { google: { hd: undefined } })
    const nonce = newNonce()
    const conflict = await send(await issue(who, nonce), nonce)
    expect(refusalOf(conflict)).toEqual([409, 'account_conflict'])
    const path = `/auth/conflicts/${String(conflict.body.conflict_ticket)}`
    const resolve = (flow_token: string) => world.call('POST', path, { body: { action: 'create', flow_token } })
    expect(refusalOf(await resolve(newNonce()))).toEqual([404, 'conflict_not_found'])
    const resolved = authOf(await resolve(nonce))
    expect(resolved.action).toBe('created_new_user')
    expect(authOf(await signIn(who)).user.id).toBe(resolved.user.id)
  })

  test('that leaked with the hash of its nonce cannot be used with that hash', async () => {
    const nonce = hashed(newNonce())
    expect(refusalOf(await send(await issue(world.newcomer(), nonce), nonce))).toEqual([400, 'id_token_rejected'])
  })

  test('is refused for a disabled account, and where sign-in is restricted', async () => {
    const who = world.newcomer()
    const { user } = authOf(await signIn(who))
    expect(refusalOf(await signIn(who, {}, restricted.base))).toEqual([403, 'sign_in_restricted'])
    await world.operator(
      `update accounts set disabled_at = ${database === 'SQLite' ? Date.now() : 'now()'} where id = '${user.id}'`,
    )
    expect(refusalOf(await signIn(who))).toEqual([403, 'user_disabled'])
    expect((await entriesOf('authentication.failed')).at(-1)).toMatchObject({
      data: expect.anything(),
    })
  })

  test('creates no account where that is switched off', async () => {
    const closed = await world.another({ OAUTH_AUTO_REGISTER_NEW_USERS: 'off' })
    expect(refusalOf(await signIn(world.newcomer(), {}, closed.base))).toEqual([403, 'user_creation_disabled'])
  })
})

test('an id_token counts as one sign-in attempt of its address', async () => {
  const world = await startWorld({ env: { ...env, RATE_LIMITS: 'on' } })
  try {
    const body = { id_token: 'a.b.c', nonce: 'n'.repeat(32) }
    const answers: Answer[] = []
    for (let n = 0; n < 31; n++) answers.push(await world.call('POST', '/auth/google/id-token', { body }))
    expect(answers.map(({ status }) => status)).toEqual([...Array.from({ length: 30 }, () => 400), 429])
  } finally {
    await world.stop()
  }
})

test('Microsoft’s library signs a person in by the subject of their tenant', async () => {
  const clientId = CLIENTS.microsoft.id
  const world = await startWorld({
    kinds: ['microsoft'],
    env: { MICROSOFT_APP_CLIENT_IDS: clientId },
  })
  try {
    const account = world.sandbox.identities.get('ada')?.microsoft
    if (!account) throw new Error('Ada has no account at Microsoft')
    const { sub, tid, email } = account
    const at = Math.floor(world.clock().getTime() / 1000)
    const nonce = randomBytes(32).toString('base64url')
    const send = async (claims: Record<string, unknown>): Promise<Answer> => {
      const iss = `${world.sandbox.url}/microsoft/${tid}/v2.0`
      const all = { iss, aud: clientId, sub, tid, email, nonce, iat: at, exp: at + 3600, ...claims }
      const token = await world.sandbox.signIdToken('microsoft', all)
      return world.call('POST', '/auth/microsoft/id-token', { body: { id_token: token, nonce } })
    }
    const created = authOf(await send({}))
    expect(created.provider_info).toMatchObject({ provider: 'microsoft', provider_user_id: sub })
    // A tenant cannot name another one, and another registration is another app.
    expect(refusalOf(await send({ tid: TENANTS.fabrikam, jti: '1' }))).toEqual([400, 'id_token_rejected'])
    expect(refusalOf(await send({ aud: TENANTS.contoso, jti: '2' }))).toEqual([400, 'id_token_rejected'])
  } finally {
    await world.stop()
  }
})
