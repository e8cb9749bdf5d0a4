/** Nonces of DPoP proofs (RFC 9449 §8, §9): demanded by setting, the same on every node, and repeated by clients alone. */
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { administratorOf, callback, discovered, follow, register, request } from '../support/applications.ts'
import { type Answer, aboveStore, refusalOf, startWorld, type World } from '../support/service.ts'

const resource = 'https://a.example.org/'

describe.each(aboveStore('PostgreSQL'))('nonces of DPoP proofs, with %s', (database) => {
  let world: World
  /** The addresses of all nodes. */
  let nodes: readonly string[]
  let admin: () => Promise<string>
  beforeAll(async () => {
    const env = { DPOP_NONCES: 'true' }
    world = await startWorld({ database, kinds: ['google'], env })
    nodes = database === 'SQLite' ? [world.base] : [world.base, (await world.another(env)).base]
    admin = await administratorOf(world)
  })
  afterAll(() => world.stop())

  /** A sign-in up to its code. */
  async function begin(about: Readonly<Record<string, unknown>> = {}) {
    const shop = await register(world, admin, { kind: 'browser', dpop_bound_access_tokens: true, ...about })
    const config = await discovered(world, shop)
    const browser = world.openBrowser()
    await browser.signIn('google', world.newcomer())
    const { url, verifier, state } = await request(config)
    const { left } = await follow(world, browser, url)
    const checks = {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: url.searchParams.get('nonce') ?? '',
    }
    const redeem = (DPoP: client.DPoPHandle) =>
      client.authorizationCodeGrant(config, left as URL, checks, undefined, { DPoP })
    return { shop, config, redeem }
  }

  /** A key that signs proofs by hand. */
  async function signer() {
    const keys = await generateKeyPair('ES256', { extractable: true })
    const jwk = await exportJWK(keys.publicKey)
    return (claims: JWTPayload) =>
      new SignJWT({ jti: crypto.randomUUID(), iat: Math.floor(world.clock().getTime() / 1000), ...claims })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
        .sign(keys.privateKey)
  }
  type Sign = Awaited<ReturnType<typeof signer>>
  const atToken = () => ({ htm: 'POST', htu: `${world.base}/oauth/token` })
  const nonceOf = ({ headers }: Answer): string => headers.get('dpop-nonce') ?? ''
  const needed = [400, 'dpop_nonce_invalid', 'use_dpop_nonce']
  const outcomeOf = (answer: Answer) => [...refusalOf(answer), answer.body.error]

  async function machine() {
    const { id, secret } = await register(world, admin, {
      kind: 'machine',
      redirect_uris: [],
      scopes: ['orders:read'],
      resources: [resource],
    })
    const authorization = `Basic ${Buffer.from(`${id}:${String(secret)}`).toString('base64')}`
    return (proof: string, at = world.base): Promise<Answer> =>
      world.call('POST', '/oauth/token', {
        form: { grant_type: 'client_credentials', resource },
        headers: { authorization, DPoP: proof },
        at,
      })
  }

  test('are handled by openid-client alone: for a code, a refresh, UserInfo and another resource', async () => {
    const { config, redeem } = await begin()
    const handle = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
    const tokens = await redeem(handle)
    expect(tokens.token_type).toBe('dpop')
    const { sub = '' } = tokens.claims() ?? {}
    let latest = tokens.refresh_token
    for (const seconds of [0, 150, 450]) {
      world.turn(seconds)
      const next = await client.refreshTokenGrant(config, latest ?? '', undefined, { DPoP: handle })
      latest = next.refresh_token
      expect((await client.fetchUserInfo(config, next.access_token, sub, { DPoP: handle })).sub).toBe(sub)
      const me = await client.fetchProtectedResource(
        config,
        next.access_token,
        new URL('/me', world.base),
        'GET',
        undefined,
        undefined,
        { DPoP: handle },
      )
      expect(me.status).toBe(200)
    }
  })

  test('are demanded of every grant and of pushed requests, before anything is used up', async () => {
    const { shop, redeem, config } = await begin()
    const sign = await signer()
    // The refused code is still good for the client, which repeats the request.
    const first = await world.call('POST', '/oauth/token', {
      form: { grant_type: 'authorization_code', client_id: shop.id, code: 'any', code_verifier: 'any' },
      headers: { DPoP: await sign(atToken()) },
    })
    expect(outcomeOf(first)).toEqual(needed)
    const pushed = await world.call('POST', '/oauth/par', {
      form: {
        client_id: shop.id,
        response_type: 'code',
        redirect_uri: callback,
        scope: 'openid',
        code_challenge: 'a'.repeat(43),
        code_challenge_method: 'S256',
      },
      headers: { DPoP: await sign({ htm: 'POST', htu: `${world.base}/oauth/par` }) },
    })
    expect(outcomeOf(pushed)).toEqual(needed)
    // One nonce for all endpoints, whether the engine or our own code looks at it.
    const send = await machine()
    const asked = await send(await sign(atToken()))
    expect(new Set([first, pushed, asked].map(nonceOf)).size).toBe(1)
    expect(asked.headers.get('access-control-expose-headers') ?? 'DPoP-Nonce').toContain('DPoP-Nonce')
    const good = await send(await sign({ ...atToken(), nonce: nonceOf(asked) }))
    expect([good.status, good.body.token_type, nonceOf(good)]).toEqual([200, 'DPoP', nonceOf(asked)])
    const tokens = await redeem(client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256')))
    expect(tokens.token_type).toBe('dpop')
  })

  test('are the same on every node, and hold for a few minutes in both directions', async () => {
    const [send, sign] = [await machine(), await signer()]
    const there = nodes.at(-1) ?? world.base
    const current = async (at: string) => nonceOf(await send(await sign(atToken()), at))
    const nonce = await current(world.base)
    expect(await current(there)).toBe(nonce)
    const statuses = async (given: string) =>
      Promise.all(nodes.map(async (at) => (await send(await sign({ ...atToken(), nonce: given }), at)).status))
    const all = (status: number) => nodes.map(() => status)
    expect(await statuses(nonce)).toEqual(all(200))
    // A node whose clock is one step ahead gives out this one.
    world.turn(-100)
    expect(await statuses(nonce)).toEqual(all(200))
    // Two steps are the future.
    world.turn(-100)
    expect(await statuses(nonce)).toEqual(all(400))
    world.turn(300)
    expect(await statuses(nonce)).toEqual(all(200))
    world.turn(100)
    expect(await statuses(nonce)).toEqual(all(400))
    for (const wrong of ['', 'x', nonce.slice(1), `${nonce}x`]) expect(await statuses(wrong)).toEqual(all(400))
    expect(outcomeOf(await send(await sign({ ...atToken(), nonce: 7 })))).toEqual(needed)
  })

  test('replace the clock of the application, but allow no proof twice', async () => {
    const [send, sign] = [await machine(), await signer()]
    const nonce = nonceOf(await send(await sign(atToken())))
    const wrongClock = await sign({ ...atToken(), nonce, iat: 1_000_000 })
    expect((await send(wrongClock)).status).toBe(200)
    for (const at of nodes) expect(refusalOf(await send(wrongClock, at))).toEqual([400, 'dpop_proof_invalid'])
    const same = await sign({ ...atToken(), nonce })
    const answers = await Promise.all(Array.from({ length: 12 }, (_, at) => send(same, nodes[at % nodes.length])))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    // A wrong proof gets no second chance.
    const other = await sign({ htm: 'GET', htu: `${world.base}/oauth/token` })
    expect(refusalOf(await send(other))).toEqual([400, 'dpop_proof_invalid'])
    expect(nonceOf(await send(other))).toBe('')
  })

  test('are demanded where a bound token is used', async () => {
    const { config, redeem } = await begin()
    const keys = await client.randomDPoPKeyPair('ES256', { extractable: true })
    const { access_token: token } = await redeem(client.getDPoPHandle(config, keys))
    const jwk = await exportJWK(keys.publicKey)
    const ath = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(token))).toString('base64url')
    const sign: Sign = (claims) =>
      new SignJWT({ htm: 'GET', htu: `${world.base}/me`, ath, jti: crypto.randomUUID(), iat: 1_000_000, ...claims })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
        .sign(keys.privateKey)
    const me = async (claims: JWTPayload, at: string) =>
      world.call('GET', '/me', { headers: { authorization: `DPoP ${token}`, DPoP: await sign(claims) }, at })
    for (const at of nodes) {
      const asked = await me({}, at)
      expect(refusalOf(asked)).toEqual([401, 'dpop_nonce_required'])
      expect(asked.headers.get('www-authenticate')).toMatch(/^DPoP algs="[^"]+", error="use_dpop_nonce"/)
      expect((await me({ nonce: nonceOf(asked) }, at)).status).toBe(200)
      expect(refusalOf(await me({ nonce: nonceOf(asked), ath: 'x' }, at))).toEqual([401, 'dpop_proof_required'])
    }
  })
})

test('without the setting, no nonce is demanded or offered', async () => {
  const world = await startWorld({ kinds: ['google'] })
  try {
    const admin = await administratorOf(world)
    const config = await discovered(world, await register(world, admin, { kind: 'browser' }))
    const browser = world.openBrowser()
    await browser.signIn('google', world.newcomer())
    const { url, verifier, state } = await request(config)
    const { left } = await follow(world, browser, url)
    const seen: (string | null)[] = []
    config[client.customFetch] = async (to, options) => {
      const answer = await world.send(to, options as RequestInit)
      seen.push(answer.headers.get('dpop-nonce'))
      return answer
    }
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
    const checks = {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: url.searchParams.get('nonce') ?? '',
    }
    const tokens = await client.authorizationCodeGrant(config, left as URL, checks, undefined, { DPoP })
    await client.refreshTokenGrant(config, tokens.refresh_token ?? '', undefined, { DPoP })
    expect(seen).toEqual([null, null])
  } finally {
    await world.stop()
  }
})
