/** Wrong secrets and assertions of applications, wherever an application authenticates. */
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { administratorOf, register } from '../support/applications.ts'
import { aboveStore, type Json, refusalOf, startWorld, type World } from '../support/service.ts'

const wrongSecret = 'a-wrong-secret-that-must-not-be-logged'
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
type Form = Readonly<Record<string, string>>
const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

/** Each endpoint, with a request that fails after the application has authenticated. */
const endpoints: readonly (readonly [path: string, form: Form])[] = [
  ['/oauth/token', { grant_type: 'refresh_token', refresh_token: 'x' }],
  ['/oauth/token', { grant_type: 'authorization_code', code: 'x' }],
  ['/oauth/token', { grant_type: 'client_credentials' }],
  ['/oauth/token', { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: 'x' }],
  ['/oauth/par', { response_type: 'code' }],
  ['/oauth/device', { scope: 'openid' }],
  ['/oauth/revoke', { token: 'x' }],
]

describe.each(aboveStore('SQLite'))('a wrong secret of an application, in %s', (database) => {
  let world: World
  let admin: () => Promise<string>
  beforeAll(async () => {
    world = await startWorld({ database, env: { TRUST_PROXY_HOPS: '1' } })
    admin = await administratorOf(world)
  })
  afterAll(() => world.stop())

  let networks = 0
  const aNetwork = (): string => `198.51.${Math.floor(++networks / 250)}.${(networks % 250) + 1}`
  const post = (path: string, form: Form, from: string, authorization?: string) =>
    world.call('POST', path, {
      form,
      headers: { 'x-forwarded-for': from, ...(authorization === undefined ? {} : { authorization }) },
    })
  const dataOf = ({ data }: Json): Json => (typeof data === 'string' ? JSON.parse(data) : (data as Json))
  /** The audit log entries of an application, oldest first; `null`: of unknown IDs. */
  const entriesOf = async (application: string | null) =>
    (await world.trail()).filter(
      (row) => row.event === 'application.refused' && dataOf(row).application === application,
    )
  const six = Array.from({ length: 6 }, () => [401, 'invalid_client'])
  /** Always at the start of an hour, so that the attempts of one test share an audit log entry. */
  const nextHour = () => world.turn(3600 - (Math.floor(world.clock().getTime() / 1000) % 3600))

  test.each(endpoints)('is limited at %s with %j, in its own network only', async (path, form) => {
    nextHour()
    const { id, secret } = await register(world, admin)
    const [here, elsewhere] = [aNetwork(), aNetwork()]
    const wrong = (from: string) => post(path, form, from, basic(id, wrongSecret))
    const answers: unknown[] = []
    for (let n = 0; n < 6; n++) answers.push(refusalOf(await wrong(here)))
    expect(answers).toEqual(six)
    const limited = await wrong(here)
    expect([...refusalOf(limited), limited.headers.get('retry-after'), limited.body.error]).toEqual([
      429,
      'rate_limited',
      '1',
      'temporarily_unavailable',
    ])
    expect(refusalOf(await wrong(elsewhere))).toEqual([401, 'invalid_client'])
    const isAccepted = async (from: string) => {
      const { status } = await post(path, form, from, basic(id, String(secret)))
      return ![401, 429].includes(status)
    }
    expect([await isAccepted(here), await isAccepted(elsewhere)], 'the right secret').toEqual([true, true])
    const entries = await entriesOf(id)
    expect(entries.map((row) => [row.account_id, row.ip, dataOf(row)])).toEqual([
      [null, here, { application: id, method: 'client_secret_basic', attempts: 8 }],
    ])
    expect(JSON.stringify(await world.dump())).not.toContain(wrongSecret)
    expect(world.logged.join('')).not.toContain(wrongSecret)
  })

  test('waits longer each time, and is forgotten after a day', async () => {
    const { id, secret } = await register(world, admin)
    const here = aNetwork()
    const wrong = async (times: number) => {
      const statuses: number[] = []
      for (let n = 0; n < times; n++)
        statuses.push((await post('/oauth/revoke', { token: 'x' }, here, basic(id, wrongSecret))).status)
      return statuses
    }
    expect((await wrong(7)).at(-1)).toBe(429)
    world.turn(1)
    expect(await wrong(2)).toEqual([401, 429])
    world.turn(1)
    expect(await wrong(1)).toEqual([429])
    // The right secret does not reset the count: the caller has two applications.
    expect((await post('/oauth/revoke', { token: 'x' }, here, basic(id, String(secret)))).status).toBe(200)
    expect(await wrong(1)).toEqual([429])
    world.turn(86_401)
    expect(await wrong(7)).toEqual([401, 401, 401, 401, 401, 401, 429])
    expect((await entriesOf(id)).length, 'an entry for each hour').toBe(2)
  })

  test('counts for its network, whatever application, method or endpoint it is for', async () => {
    nextHour()
    const [shop, posting] = [
      await register(world, admin),
      await register(world, admin, { client_auth: 'client_secret_post' }),
    ]
    const spa = await register(world, admin, { kind: 'browser' })
    const pair = await generateKeyPair('ES256', { extractable: true })
    const keyed = await register(world, admin, {
      client_auth: 'private_key_jwt',
      jwks: { keys: [{ ...(await exportJWK(pair.publicKey)), use: 'sig', alg: 'ES256' }] },
    })
    const assertion = (key = pair.privateKey) =>
      new SignJWT({ iss: keyed.id, sub: keyed.id, aud: world.base, jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: 'ES256' })
        .setExpirationTime(Math.floor(world.clock().getTime() / 1000) + 60)
        .sign(key)
    const asserting = (text: string): Form => ({ client_assertion_type: assertionType, client_assertion: text })
    const stranger = await generateKeyPair('ES256')
    const used = await assertion()
    expect((await post('/oauth/revoke', { token: 'x', ...asserting(used) }, aNetwork())).status).toBe(200)
    const here = aNetwork()
    const attempts: readonly (readonly [name: string, path: string, form: Form, authorization?: string])[] = [
      ['a wrong secret', '/oauth/token', { grant_type: 'client_credentials' }, basic(shop.id, wrongSecret)],
      ['in the form', '/oauth/par', { client_id: posting.id, client_secret: wrongSecret }],
      ['an unknown ID', '/oauth/revoke', { token: 'x' }, basic('app_none', wrongSecret)],
      ['the secret as the ID', '/oauth/revoke', { token: 'x' }, basic(wrongSecret.replaceAll('-', '_'), 'x')],
      ['of another key', '/oauth/revoke', { token: 'x', ...asserting(await assertion(stranger.privateKey)) }],
      ['an assertion that was used', '/oauth/revoke', { token: 'x', ...asserting(used) }],
    ]
    for (const [name, path, form, authorization] of attempts)
      expect([name, ...refusalOf(await post(path, form, here, authorization))]).toEqual([name, 401, 'invalid_client'])
    const limited = [429, 'rate_limited']
    for (const [name, path, form, authorization] of attempts)
      expect([name, ...refusalOf(await post(path, form, here, authorization))]).toEqual([name, ...limited])
    // A request without a secret guesses nothing: it is refused as before.
    expect(refusalOf(await post('/oauth/revoke', { token: 'x', client_id: shop.id }, here))).toEqual([
      401,
      'invalid_client',
    ])
    const right: readonly (readonly [form: Form, authorization?: string])[] = [
      [{}, basic(shop.id, String(shop.secret))],
      [{ client_id: posting.id, client_secret: String(posting.secret) }],
      [{ client_id: spa.id }],
      [asserting(await assertion())],
    ]
    for (const [form, authorization] of right)
      expect((await post('/oauth/revoke', { token: 'x', ...form }, here, authorization)).status).toBe(200)
    const counts = async (id: string | null) => (await entriesOf(id)).map(dataOf)
    expect(await counts(keyed.id)).toEqual([{ application: keyed.id, method: 'private_key_jwt', attempts: 4 }])
    expect(await counts(null)).toEqual([{ application: null, method: 'client_secret_basic', attempts: 4 }])
    expect(JSON.stringify(await world.dump())).not.toContain(wrongSecret.replaceAll('-', '_'))
    expect(world.logged.join('')).not.toContain(wrongSecret.replaceAll('-', '_'))
  })

  test('is limited when many arrive at once, and the right one among them is accepted', async () => {
    nextHour()
    const { id, secret } = await register(world, admin)
    const here = aNetwork()
    const sent = (given: string) => post('/oauth/revoke', { token: 'x' }, here, basic(id, given))
    const [right, ...wrong] = await Promise.all([
      sent(String(secret)),
      ...Array.from({ length: 30 }, () => sent(wrongSecret)),
    ])
    expect(right.status).toBe(200)
    expect(wrong.filter(({ status }) => status === 401)).toHaveLength(6)
    expect(wrong.filter(({ status }) => status === 429)).toHaveLength(24)
    expect((await entriesOf(id)).map((row) => dataOf(row).attempts)).toEqual([30])
  })

  test('ends with the wait of service credentials at the introspection endpoint, which has its own limit', async () => {
    const here = aNetwork()
    const introspect = async () =>
      refusalOf(await post('/oauth/introspect', { token: 'x' }, here, basic('svc_00', wrongSecret)))
    for (let n = 0; n < 6; n++) expect(await introspect()).toEqual([401, 'invalid_client'])
    expect(await introspect()).toEqual([429, 'too_many_attempts'])
    const { id } = await register(world, admin)
    expect(refusalOf(await post('/oauth/revoke', { token: 'x' }, here, basic(id, wrongSecret)))).toEqual([
      401,
      'invalid_client',
    ])
  })
})
