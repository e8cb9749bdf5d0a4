/** Two nodes with different clocks on one PostgreSQL database, in real time: both compare against its time. */
import { Writable } from 'node:stream'
import { decodeJwt } from 'jose'
import { TOTP } from 'otpauth'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { createVinculum } from '../../src/vinculum.ts'
import { connectPostgres, createMigratedDatabase } from '../support/postgres.ts'
import {
  authOf,
  cookiesOf,
  encryptionKey,
  freePort,
  listIn,
  noHurry,
  pkce,
  refusalOf,
  startWorld,
  type World,
} from '../support/service.ts'

/** A node whose clock is that many seconds ahead. */
async function startNode(url: string, aheadSeconds: number) {
  const lines: string[] = []
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString())
      done()
    },
  })
  const port = await freePort()
  const config = readConfig({
    NODE_ENV: 'test',
    HOST: '127.0.0.1',
    PORT: String(port),
    PUBLIC_URL: 'http://127.0.0.1:3000',
    DATABASE_URL: url,
    RATE_LIMITS: 'off',
    ENCRYPTION_KEYS: `k1:${encryptionKey.toString('base64')}`,
    // Longer than a pause of a busy machine, and shorter than the difference between the clocks.
    REFRESH_CONCURRENCY_SECONDS: '25',
    ...noHurry,
  })
  if (!config.encryptionKeys) throw new Error('no key was given')
  const vinculum = await createVinculum(
    // `credentials/passwords` covers the strength that is configured.
    {
      ...config,
      encryptionKeys: config.encryptionKeys,
      passwords: { ...config.passwords, memoryKib: 1024, passes: 1 },
    },
    {
      clock: () => new Date(Date.now() + aheadSeconds * 1000),
      followDatabase: true,
      log: createLog('info', sink),
    },
  )
  await vinculum.listen()
  const post = async (path: string, body: object) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as Record<string, string> }
  }
  const me = async (token = '') =>
    (await fetch(`http://127.0.0.1:${port}/me`, { headers: { authorization: `Bearer ${token}` } })).status
  return { vinculum, post, me, lines }
}

describe.each([30, -30])('a node whose clock is %d seconds ahead of another', (ahead) => {
  let url: string
  let right: Awaited<ReturnType<typeof startNode>>
  let wrong: Awaited<ReturnType<typeof startNode>>
  beforeAll(async () => {
    url = await createMigratedDatabase()
    right = await startNode(url, 0)
    wrong = await startNode(url, ahead)
  })
  afterAll(() => Promise.all([right, wrong].map(({ vinculum }) => vinculum.close())))

  test('does not treat a refresh from a second tab as token reuse', async () => {
    const person = { email: 'ada@example.com', password: 'seven green bicycles' }
    await right.post('/auth/register', { ...person, name: 'Ada' })
    for (let round = 0; round < 8; round += 1) {
      const [first, second] = round % 2 === 0 ? [right, wrong] : [wrong, right]
      // Always on the same node: rate limits across nodes are another test.
      const begun = await right.post('/auth/token', { username: person.email, password: person.password })
      expect(begun.status).toBe(200)
      const { refresh_token } = begun.body
      const one = await first.post('/auth/refresh', { refresh_token })
      expect(one.status).toBe(200)
      // Once the new token was used, the old one is accepted for only 25 seconds: now the clocks matter.
      expect(await first.me(one.body.access_token)).toBe(200)
      const other = await second.post('/auth/refresh', { refresh_token })
      expect([other.status, other.body.code]).toEqual([200, undefined])
      // Tokens of one node are valid on the other from their first second.
      expect(await Promise.all([second.me(one.body.access_token), first.me(other.body.access_token)])).toEqual([
        200, 200,
      ])
    }
  })

  test('lets a user sign in on either node in turn', async () => {
    const person = { email: 'bob@example.com', password: 'seven green bicycles' }
    await right.post('/auth/register', { ...person, name: 'Ada' })
    for (const node of [right, wrong, right, wrong, right, wrong]) {
      const { status } = await node.post('/auth/token', { username: person.email, password: person.password })
      expect(status).toBe(200)
    }
  })

  test('writes the same times as the other node in tokens and job leases', async () => {
    const person = { email: 'carol@example.com', password: 'seven green bicycles' }
    await right.post('/auth/register', { ...person, name: 'Ada' })
    const before = Math.floor(Date.now() / 1000)
    const issued = await wrong.post('/auth/token', { username: person.email, password: person.password })
    const { iat = 0 } = decodeJwt(String(issued.body.access_token))
    await wrong.vinculum.runJob('sweep-expired')
    const client = await connectPostgres(url)
    const { rows } = await client.query("select started_at from jobs where name = 'sweep-expired'")
    await client.end()
    const after = Math.ceil(Date.now() / 1000)
    for (const seconds of [iat, Math.round(Number(rows[0]?.started_at) / 1000)]) {
      expect(seconds).toBeGreaterThanOrEqual(before - 2)
      expect(seconds).toBeLessThanOrEqual(after + 2)
    }
  })

  test('logs the clock difference once; the other node logs nothing', async () => {
    const skewed = (lines: readonly string[]) => lines.filter((line) => line.includes('"clock.skew"'))
    expect(skewed(wrong.lines)).toHaveLength(1)
    expect(Math.round(JSON.parse(String(skewed(wrong.lines)[0])).skew_ms / 1000)).toBe(ahead)
    expect(skewed(right.lines)).toEqual([])
  })
})

/** Longer than a sign-in code lives or a job lease holds. */
describe.each([90, -90])('two nodes with clocks %d seconds apart', (ahead) => {
  const app = 'https://app.example/in'
  let world: World
  let wrong: Awaited<ReturnType<World['skewed']>>
  let ways: readonly (readonly [string, string])[]
  beforeAll(async () => {
    world = await startWorld({ database: 'PostgreSQL', env: { RETURN_TO_ALLOWED: app } })
    wrong = await world.skewed(ahead)
    ways = [
      [world.base, wrong.base],
      [wrong.base, world.base],
    ]
  })
  afterAll(() => world.stop())

  const post = (at: string, path: string, body: object, token?: string) => world.call('POST', path, { body, token, at })

  /** An app sends a browser to a provider through one node, and it returns there with a code. */
  async function codeFor(at: string): Promise<Readonly<Record<string, string>>> {
    const { verifier, challenge } = pkce()
    const query = new URLSearchParams({ return_to: app, code_challenge: challenge, code_challenge_method: 'S256' })
    const headers = { accept: 'text/html', 'sec-fetch-mode': 'navigate' }
    const begun = await world.call('GET', `/auth/google?${query}`, { headers, at })
    const pairs = Object.entries(cookiesOf(begun.headers)).map((pair) => pair.join('='))
    const back = await world.approve(begun.headers.get('location') ?? '', world.newcomer())
    const returned = await world.call('GET', `${back.pathname}${back.search}`, {
      headers: { ...headers, cookie: pairs.join('; ') },
      at,
    })
    const code = new URL(returned.headers.get('location') ?? '').searchParams.get('code') ?? ''
    return { grant_type: 'authorization_code', code, code_verifier: verifier }
  }

  test('accept each other’s pending authorizations and tokens', async () => {
    for (const [one, other] of ways) {
      const flow = await world.begin('google', { at: one })
      const back = await world.approve(flow.url, world.newcomer())
      const { access_token: token } = authOf(await world.finish(flow, back, { at: other }))
      expect((await world.call('GET', '/me', { token, at: one })).status).toBe(200)
      // A route that requires a recent sign-in.
      expect((await post(one, '/me/second-factor/totp', {}, token)).status).toBe(200)
    }
  })

  test('accept a sign-in code for its minute, and no longer', async () => {
    for (const [one, other] of ways) {
      const form = await codeFor(one)
      const late = await codeFor(one)
      world.turn(55)
      expect((await world.call('POST', '/auth/token', { form, at: other })).status).toBe(200)
      world.turn(6)
      expect((await world.call('POST', '/auth/token', { form: late, at: other })).status).toBe(400)
    }
  })

  test('accept an emailed code for its stated lifetime', async () => {
    for (const [one, other] of ways) {
      const codeOf = async () => {
        const who = world.newcomer()
        await world.signIn('google', who)
        const email = world.emailOf(who)
        const { flow_token } = (await post(one, '/auth/email', { email })).body
        const [message] = await world.mailTo(email)
        return { flow_token, code: /^ {4}(\d{8})$/m.exec(message?.text ?? '')?.[1] }
      }
      const [early, late] = [await codeOf(), await codeOf()]
      world.turn(595)
      expect((await post(other, '/auth/email/finish', early)).status).toBe(200)
      world.turn(6)
      expect((await post(other, '/auth/email/finish', late)).status).toBe(400)
    }
  })

  test('verify a second factor that the other node requested, each step once', async () => {
    for (const [one, other] of ways) {
      const who = world.newcomer()
      const { access_token: token } = await world.signIn('google', who, { at: one })
      const totp = new TOTP({ secret: String((await post(one, '/me/second-factor/totp', {}, token)).body.secret) })
      const code = () => totp.generate({ timestamp: world.clock().getTime() })
      expect((await post(other, '/me/second-factor/totp/confirm', { code: code() }, token)).status).toBe(200)
      world.turn(30)
      const half = async (at: string) => (await world.enter('google', who, { at })).body.second_factor_ticket
      const [first, second] = [await half(one), await half(one)]
      const proof = { totp: code() }
      expect((await post(other, '/auth/second-factor', { second_factor_ticket: first, ...proof })).status).toBe(200)
      const again = await post(one, '/auth/second-factor', { second_factor_ticket: second, ...proof })
      expect(refusalOf(again)[0]).toBe(401)
    }
  })

  test('keep a job lease for its full time, and the job still runs', async () => {
    const { user, access_token: token } = await world.signIn('google', world.newcomer())
    await world.vinculum.makeAdministrator(user.id)
    const runs = async () =>
      listIn(await world.call('GET', '/jobs', { token })).find(({ name }) => name === 'sweep-expired')?.runs
    await world.vinculum.runJob('sweep-expired')
    const before = Number(await runs())
    const until = `${new Date(world.clock().getTime() + 60_000).toISOString()}`
    await world.operator(`insert into leases (name, owner, expires_at) values ('sweep-expired', 'a third', '${until}')`)
    world.turn(59)
    await wrong.vinculum.runJob('sweep-expired')
    expect(await runs()).toBe(before)
    world.turn(2)
    await wrong.vinculum.runJob('sweep-expired')
    expect(await runs()).toBe(before + 1)
  })
})
