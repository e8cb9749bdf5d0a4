import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { administratorOf, callback, discovered, follow, register, request } from '../support/applications.ts'
import { type Answer, authOf, listIn, refusalOf, startWorld, type World } from '../support/service.ts'

describe('two nodes on one PostgreSQL database', () => {
  let world: World
  let other: Awaited<ReturnType<World['another']>>
  beforeAll(async () => {
    world = await startWorld({ database: 'PostgreSQL' })
    other = await world.another()
  })
  afterAll(() => world.stop())

  const both = (ask: (at: string) => Promise<Answer>): Promise<Answer[]> =>
    Promise.all([world.base, other.base].map(ask))

  test('finish sign-ins the other node began, and accept each callback once', async () => {
    const flow = await world.begin('google')
    const back = await world.approve(flow.url, world.newcomer())
    const answers = await both((at) => world.finish(flow, back, { at }))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400])
    expect(answers.map(({ body }) => body.code)).toContain('state_already_used')
  })

  test('renew a provider token once, whichever node is asked', async () => {
    const who = world.newcomer()
    const { access_token, refresh_token } = await world.signIn('google', who)
    await world.enter('atlassian', who, { intent: 'link', token: access_token })
    world.turn(3601)
    const token = String((await world.call('POST', '/auth/refresh', { body: { refresh_token } })).body.access_token)
    const identities = listIn(await world.call('GET', '/me/identities', { token }))
    const id = identities.find(({ provider }) => provider === 'atlassian')?.id
    world.sandbox.fault({ provider: 'atlassian', endpoint: 'token', times: 1 }, { kind: 'slow', ms: 200 })
    const answers = await both((at) => world.call('GET', `/me/identities/${id}/profile`, { token, at }))
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    const renewals = world.sandbox.journal
      .calls('atlassian', 'token')
      .filter(({ body }) => body.grant_type === 'refresh_token')
    expect(renewals).toHaveLength(1)
  })

  test('revoke a permission once, though both work on it', async () => {
    const who = world.newcomer()
    const { access_token: token } = await world.signIn('google', who)
    await world.enter('beta', who, { intent: 'link', token })
    const id = listIn(await world.call('GET', '/me/identities', { token })).find(
      ({ provider }) => provider === 'beta',
    )?.id
    expect((await world.call('DELETE', `/me/identities/${id}`, { token, at: other.base })).status).toBe(204)
    await Promise.all([world, other].map(({ vinculum }) => vinculum.runJob('revoke-at-provider')))
    await Promise.all([world, other].map(({ vinculum }) => vinculum.runJob('revoke-at-provider')))
    expect(world.sandbox.journal.calls('oauth2', 'revoke')).toHaveLength(1)
    expect((await world.dump('revocations')).revocations).toEqual([])
  })

  test('accept tokens signed with a key the other node just began to use', async () => {
    const before = await world.signIn('google', world.newcomer())
    await world.vinculum.rotateSigningKeys()
    world.turn(481)
    const after = await world.signIn('google', world.newcomer())
    expect(decodeProtectedHeader(after.access_token).kid).not.toBe(decodeProtectedHeader(before.access_token).kid)
    const { access_token: token, refresh_token } = after
    expect((await world.call('GET', '/me', { token, at: other.base })).status).toBe(200)
    expect((await world.call('POST', '/auth/refresh', { body: { refresh_token }, at: other.base })).status).toBe(200)
    await other.vinculum.runJob('reload-signing-keys')
    const jwks = await both((at) => world.call('GET', '/.well-known/jwks.json', { at }))
    expect(jwks[1]?.body).toEqual(jwks[0]?.body)
  })

  test('resolve one account conflict once', async () => {
    const holder = world.newcomer()
    await world.signIn('google', holder)
    const asked = await world.enter('acme', world.newcomer({ email: world.emailOf(holder) }))
    const body = { action: 'create', flow_token: asked.flow.flowToken }
    const answers = await both((at) =>
      world.call('POST', `/auth/conflicts/${asked.body.conflict_ticket}`, { body, at }),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 404])
  })

  test('end a session on both when its old token is reused on either', async () => {
    const first = await world.signIn('google', world.newcomer())
    let { refresh_token } = first
    for (const at of [world.base, other.base])
      refresh_token = String(
        (await world.call('POST', '/auth/refresh', { body: { refresh_token }, at })).body.refresh_token,
      )
    const stolen = { body: { refresh_token: first.refresh_token }, at: other.base }
    expect(refusalOf(await world.call('POST', '/auth/refresh', stolen))).toEqual([401, 'token_reused'])
    expect(refusalOf(await world.call('POST', '/auth/refresh', { body: { refresh_token } }))).toEqual([
      401,
      'session_revoked',
    ])
  })

  test('count a token generation as used, whichever node saw it', async () => {
    const first = authOf(await world.enter('google', world.newcomer()))
    const { body } = await world.call('POST', '/auth/refresh', { body: { refresh_token: first.refresh_token } })
    expect((await world.call('GET', '/me', { token: String(body.access_token), at: other.base })).status).toBe(200)
    world.turn(11)
    const again = await world.call('POST', '/auth/refresh', { body: { refresh_token: first.refresh_token } })
    expect(refusalOf(again)).toEqual([401, 'token_reused'])
  })

  test('sign with one key for RS256, which either node creates and both publish', async () => {
    const admin = await administratorOf(world)
    const about = { name: 'Legacy', kind: 'server', redirect_uris: [callback], first_party: true }
    const body = { ...about, id_token_signed_response_alg: 'RS256' }
    const token = await admin()
    const made = await both((at) => world.call('POST', '/applications', { token, body, at }))
    expect(made.map(({ status }) => status)).toEqual([201, 201])
    const keysAt = async (at: string) => {
      const { keys } = (await world.call('GET', '/.well-known/jwks.json', { at })).body
      return (keys as { alg: string; kid: string }[]).filter(({ alg }) => alg === 'RS256').map(({ kid }) => kid)
    }
    const [here = [], there = []] = await Promise.all([world.base, other.base].map(keysAt))
    expect(here).toHaveLength(1)
    expect(there).toEqual(here)
    // A node that starts later and one that has read no keys yet agree.
    const third = await world.another()
    expect(await keysAt(third.base)).toEqual(here)
    const [shop] = made.map(({ body: { id, secret } }) => ({ id: String(id), secret: String(secret) }))
    if (!shop) throw new Error('no application was created')
    const browser = world.openBrowser()
    await browser.signIn('google', world.newcomer())
    for (const { base } of [world, other, third]) {
      const { url, verifier } = await request(await discovered(world, shop))
      const { left } = await follow(world, browser, url)
      const code = left?.searchParams.get('code') ?? ''
      const form = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: callback }
      const authorization = `Basic ${Buffer.from(`${shop.id}:${shop.secret}`).toString('base64')}`
      const redeemed = await world.call('POST', '/oauth/token', { form, at: base, headers: { authorization } })
      expect(redeemed.status, redeemed.text).toBe(200)
      const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', third.base))
      const { protectedHeader } = await jwtVerify(String(redeemed.body.id_token), keys, {
        audience: shop.id,
        algorithms: ['RS256'],
        currentDate: world.clock(),
      })
      expect([protectedHeader.kid]).toEqual(here)
    }
  })

  test('sign with a key for RS256 of the other node that they have not read yet', async () => {
    const fresh = await startWorld({ database: 'PostgreSQL' })
    try {
      const late = await fresh.another()
      const shop = await register(fresh, await administratorOf(fresh), { id_token_signed_response_alg: 'RS256' })
      // Within the second in which a key set is not read again.
      const browser = fresh.openBrowser()
      await browser.signIn('google', fresh.newcomer())
      const { url, verifier } = await request(await discovered(fresh, shop))
      const { left } = await follow(fresh, browser, url)
      const code = left?.searchParams.get('code') ?? ''
      const form = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: callback }
      const authorization = `Basic ${Buffer.from(`${shop.id}:${shop.secret}`).toString('base64')}`
      const { body, text } = await fresh.call('POST', '/oauth/token', {
        form,
        at: late.base,
        headers: { authorization },
      })
      const header = decodeProtectedHeader(String(body.id_token))
      expect(header, text).toMatchObject({ alg: 'RS256' })
      const rows = ((await fresh.dump()).signing_keys ?? []).filter(({ purpose }) => purpose === 'rs256')
      expect(rows.map(({ id }) => id)).toEqual([header.kid])
      const hint = { prompt: 'none', id_token_hint: String(body.id_token) }
      const again = await request(await discovered(fresh, shop), { more: hint })
      expect((await follow(fresh, browser, again.url)).left?.searchParams.get('code')).toBeTruthy()
    } finally {
      await fresh.stop()
    }
  })

  describe('for an application', () => {
    let application: { readonly id: string; readonly secret: string | null }
    beforeAll(async () => {
      application = await register(world, await administratorOf(world), { kind: 'browser' })
    })
    const refresh = (token: unknown, at: string) => {
      const form = { grant_type: 'refresh_token', refresh_token: String(token), client_id: application.id }
      return world.call('POST', '/oauth/token', { form, at })
    }
    /** A person signs in to the application on the first node, and the other node redeems the code. */
    async function signIn() {
      const browser = world.openBrowser()
      await browser.signIn('google', world.newcomer())
      const { url, verifier } = await request(await discovered(world, application))
      const { left } = await follow(world, browser, url)
      const code = left?.searchParams.get('code') ?? ''
      const form = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: callback }
      const asked = { form: { ...form, client_id: application.id }, at: other.base }
      const { status, body, text } = await world.call('POST', '/oauth/token', asked)
      expect(status, text).toBe(200)
      return { browser, tokens: body }
    }

    test('redeem a code of the other node, and give fifty refreshes at once one successor', async () => {
      const { tokens } = await signIn()
      const nodes = Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? world : other).base)
      const answers = await Promise.all(nodes.map((at) => refresh(tokens.refresh_token, at)))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      const successors = new Set(answers.map(({ body }) => body.refresh_token))
      expect(successors.size).toBe(1)
      // Either node continues from the one successor.
      let [token] = successors
      for (const at of [world.base, other.base]) token = (await refresh(token, at)).body.refresh_token
      expect(token).toEqual(expect.any(String))
    })

    test('refuse its tokens at once when the person signs out on the other node', async () => {
      const { browser, tokens } = await signIn()
      const { body } = await refresh(tokens.refresh_token, other.base)
      const userInfo = (at: string) => world.call('GET', '/oauth/userinfo', { token: String(body.access_token), at })
      expect((await both(userInfo)).map(({ status }) => status)).toEqual([200, 200])
      expect((await browser.json('POST', '/auth/logout')).status).toBe(204)
      const refused = await both((at) => refresh(body.refresh_token, at))
      expect(refused.map(refusalOf)).toEqual(Array(2).fill([400, 'grant_invalid']))
      expect((await both(userInfo)).map(({ status }) => status)).toEqual([401, 401])
    })
  })
})
