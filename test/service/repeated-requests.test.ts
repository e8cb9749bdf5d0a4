/**
 * A request that got 503 is repeated, as the documentation asks. Neither the first attempt nor the repetition costs
 * anyone a sign-in.
 */
import { TOTP } from 'otpauth'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sha256 } from '../../src/kernel/crypto.ts'
import { administratorOf, callback, discovered, enter, follow, register, request } from '../support/applications.ts'
import { createAuthenticator } from '../support/authenticator.ts'
import { connectPostgres, createMigratedDatabase, listLockWaiters } from '../support/postgres.ts'
import { proxyTo } from '../support/proxy.ts'
import { type Answer, type Json, pkce, refusalOf, startWorld, type World } from '../support/service.ts'

const ios = 'ios.apps.googleusercontent.example'

describe('a request that got 503', () => {
  let proxy: Awaited<ReturnType<typeof proxyTo>>
  let world: World
  /** A node that gives up soon. */
  let hurried: string
  /** A node that reaches the database through the proxy. */
  let behind: string
  /** A connection that bypasses the service. */
  let operator: pg.Client
  let admin: () => Promise<string>

  beforeAll(async () => {
    const url = await createMigratedDatabase()
    proxy = await proxyTo(url)
    operator = await connectPostgres(url)
    world = await startWorld({
      env: { DATABASE_URL: url, RETURN_TO_ALLOWED: 'https://app.example/in', GOOGLE_APP_CLIENT_IDS: ios },
    })
    hurried = (await world.another({ REQUEST_DEADLINE_MS: '1500' })).base
    behind = (await world.another({ DATABASE_URL: proxy.url })).base
    admin = await administratorOf(world)
  })
  afterAll(async () => {
    await operator.end()
    await world.stop()
    await proxy.cut()
  })

  const notReady = [503, 'not_ready']
  /** Sends a request while nobody can write to this table. */
  async function whileLocked(table: string, send: (at: string) => Promise<Answer>): Promise<Answer> {
    await operator.query(`begin; lock table ${table} in exclusive mode`)
    try {
      return await send(hurried)
    } finally {
      await operator.query('rollback')
    }
  }
  /** Breaks the connection while a statement waits for this table. The statement then takes effect, unheard. */
  async function whileCut(table: string, send: (at: string) => Promise<Answer>): Promise<Answer> {
    await operator.query(`begin; lock table ${table} in exclusive mode`)
    const sent = send(behind)
    await expect.poll(() => listLockWaiters(operator)).toHaveLength(1)
    proxy.reset()
    const answer = await sent
    await operator.query('rollback')
    await expect.poll(() => listLockWaiters(operator)).toEqual([])
    return answer
  }
  const rowsOf = async (sql: string, ...values: unknown[]): Promise<readonly Record<string, unknown>[]> =>
    (await operator.query(sql, values)).rows

  const post = (path: string, body: object, { at = world.base, token }: { at?: string; token?: string } = {}) =>
    world.call('POST', path, { body, token, at })
  const failuresOf = async (accountId: unknown): Promise<readonly unknown[]> =>
    (await rowsOf(`select data from audit where event = 'authentication.failed' and account_id = $1`, accountId)).map(
      ({ data }) => data,
    )
  /** Fails while nobody can write to `table`, and succeeds when it is repeated. It is no failed sign-in. */
  async function isRepeated(accountId: unknown, table: string, send: (at: string) => Promise<Answer>): Promise<void> {
    expect(refusalOf(await whileLocked(table, send))).toEqual(notReady)
    const again = await send(world.base)
    expect(again.status, again.text).toBe(200)
    expect(await failuresOf(accountId)).toEqual([])
  }

  describe('to sign in', () => {
    /** A person with an authenticator app, recovery codes and a passkey. */
    async function enrolled() {
      const who = world.newcomer()
      const { access_token: token, user } = await world.signIn('google', who)
      const passkey = createAuthenticator(world.base)
      const asked = await post('/me/passkeys/options', {}, { token })
      const response = passkey.create(asked.body.options as Json)
      const added = await post('/me/passkeys', { name: 'Key', flow_token: asked.body.flow_token, response }, { token })
      expect(added.status, added.text).toBe(201)
      const begun = await post('/me/second-factor/totp', {}, { token })
      const app = new TOTP({ secret: String(begun.body.secret) })
      const code = () => app.generate({ timestamp: world.clock().getTime() })
      const confirmed = await post('/me/second-factor/totp/confirm', { code: code() }, { token })
      const [recovery] = confirmed.body.recovery_codes as string[]
      world.turn(30)
      const refused = await world.enter('google', who)
      const ticket = { second_factor_ticket: refused.body.second_factor_ticket }
      return { id: user.id, ticket, code, recovery, passkey }
    }

    test.each(['sessions', 'recovery_codes'])('with a recovery code uses it once it succeeds: %s', async (table) => {
      const { id, ticket, recovery } = await enrolled()
      await isRepeated(id, table, (at) => post('/auth/second-factor', { ...ticket, recovery_code: recovery }, { at }))
      const used = await rowsOf('select 1 from recovery_codes where account_id = $1 and used_at is not null', id)
      expect(used).toHaveLength(1)
    })

    test('with an authenticator app accepts the same code', async () => {
      const { id, ticket, code } = await enrolled()
      const totp = code()
      await isRepeated(id, 'sessions', (at) => post('/auth/second-factor', { ...ticket, totp }, { at }))
    })

    test.each(['sessions', 'passkeys'])('with a passkey accepts the same response: %s', async (table) => {
      const { id, ticket, passkey } = await enrolled()
      const asked = await post('/auth/second-factor/options', ticket)
      const response = passkey.get(asked.body.options as Json)
      const proof = { passkey: { flow_token: asked.body.flow_token, response } }
      await isRepeated(id, table, (at) => post('/auth/second-factor', { ...ticket, ...proof }, { at }))
      const alone = await post('/auth/passkey/options', {})
      const body = { flow_token: alone.body.flow_token, response: passkey.get(alone.body.options as Json) }
      await isRepeated(id, table, (at) => post('/auth/passkey', body, { at }))
    })

    test.each(['audit', 'tickets'])('with a code by email accepts the same code: %s', async (table) => {
      const who = world.newcomer()
      const email = world.emailOf(who)
      const { user } = await world.signIn('google', who)
      const begun = await post('/auth/email', { email })
      const [message] = await world.mailTo(email)
      const code = /^ {4}(\d{8})$/m.exec(message?.text ?? '')?.[1]
      const body = { flow_token: begun.body.flow_token, code }
      await isRepeated(user.id, table, (at) => post('/auth/email/finish', body, { at }))
    })

    test('with a code by email stores the proof for the second factor', async () => {
      const { id } = await enrolled()
      const [account] = await rowsOf('select email from accounts where id = $1', id)
      const email = String(account?.email)
      const begun = await post('/auth/email', { email })
      const message = (await world.mailTo(email)).find(({ text }) => /^ {4}\d{8}$/m.test(text))
      const code = /^ {4}(\d{8})$/m.exec(message?.text ?? '')?.[1]
      const body = { flow_token: begun.body.flow_token, code }
      const send = (at: string) => post('/auth/email/finish', body, { at })
      expect(refusalOf(await whileLocked('pending_sign_ins', send))).toEqual(notReady)
      expect(refusalOf(await send(world.base))).toEqual([401, 'second_factor_required'])
    })

    test.each(['link', 'create'])('after an account conflict accepts the same ticket: %s', async (action) => {
      const email = world.emailOf(world.newcomer())
      const holder = world.newcomer({ email })
      const { access_token: token, user } = await world.signIn('google', holder)
      const entering = await world.enter('acme', world.newcomer({ email }))
      const body = { action, flow_token: entering.flow.flowToken }
      const path = `/auth/conflicts/${entering.body.conflict_ticket}`
      await isRepeated(user.id, 'sessions', (at) => post(path, body, { at, token }))
      const resolved = await rowsOf(
        `select data from audit where event = 'conflict.resolved' and data->>'action' = $1`,
        action,
      )
      expect(resolved).toHaveLength(1)
    })

    test('with an id_token of a native app accepts the same token', async () => {
      const who = world.newcomer()
      const { user } = await world.signIn('google', who)
      const nonce = pkce().verifier
      const now = Math.floor(world.clock().getTime() / 1000)
      const idToken = await world.sandbox.signIdToken('google', {
        ...world.sandbox.identities.get(who)?.google,
        ...{ iss: 'https://accounts.google.com', aud: ios, azp: ios, nonce, iat: now, exp: now + 3600 },
      })
      const body = { id_token: idToken, nonce }
      await isRepeated(user.id, 'sessions', (at) => post('/auth/google/id-token', body, { at }))
      expect(refusalOf(await post('/auth/google/id-token', body))).toEqual([400, 'id_token_already_used'])
    })
  })

  describe('to exchange the code of a sign-in for an app on another origin', () => {
    async function issued() {
      const { verifier, challenge } = pkce()
      const form = { return_to: 'https://app.example/in', code_challenge: challenge, code_challenge_method: 'S256' }
      const { headers, text } = await world.openBrowser().signIn('google', world.newcomer(), form)
      const [, code = ''] = /app\.example\/in\?code=([\w-]+)/.exec(`${headers.get('location')} ${text}`) ?? []
      const body = { grant_type: 'authorization_code', code, code_verifier: verifier }
      const state = async () =>
        (
          await rowsOf(
            `select used_at is not null as used, ended_at is not null as ended from sign_in_codes
           join sessions on sessions.id = session_id where code_hash = $1`,
            sha256(code),
          )
        )[0]
      return { exchange: (at = world.base) => world.call('POST', '/auth/token', { body, at }), state }
    }

    test('succeeds when it is repeated', async () => {
      const { exchange, state } = await issued()
      expect(refusalOf(await whileLocked('sign_in_codes', exchange))).toEqual(notReady)
      const again = await exchange()
      expect(again.status, again.text).toBe(200)
      expect(await state()).toEqual({ used: true, ended: false })
    })

    test('is refused when it is repeated and the code was used up although nobody heard, and ends nothing', async () => {
      const { exchange, state } = await issued()
      expect(refusalOf(await whileCut('sign_in_codes', exchange))).toEqual(notReady)
      await expect.poll(state).toEqual({ used: true, ended: false })
      expect(refusalOf(await exchange())).toEqual([400, 'code_invalid'])
      expect(await state()).toEqual({ used: true, ended: false })
    })
  })

  describe('to redeem the code of an application', () => {
    async function issued() {
      const shop = await register(world, admin, { kind: 'browser' })
      const config = await discovered(world, shop)
      const browser = world.openBrowser()
      await browser.signIn('google', world.newcomer())
      await enter(world, browser, config, { scope: 'openid' })
      const ofApplication = 'from application_sessions where application_id = $1'
      const [tab] = await rowsOf(`select id ${ofApplication}`, shop.id)
      const { url, verifier } = await request(config)
      const { left } = await follow(world, browser, url)
      const form = {
        grant_type: 'authorization_code',
        code: left?.searchParams.get('code') ?? '',
        code_verifier: verifier,
        redirect_uri: callback,
        client_id: shop.id,
      }
      const redeem = (at = world.base) => world.call('POST', '/oauth/token', { form, at })
      /** When the sign-in in the other tab ended, and the one of the code. */
      const ends = async () => {
        const rows = await rowsOf(`select id, ended_at ${ofApplication}`, shop.id)
        return [true, false].map((isTab) =>
          rows.filter(({ id }) => (id === tab?.id) === isTab).map((row) => row.ended_at),
        )
      }
      return { redeem, ends }
    }

    test('succeeds when it is repeated, and the sign-in in another tab goes on', async () => {
      const { redeem, ends } = await issued()
      expect(refusalOf(await whileLocked('application_sessions', redeem))).toEqual(notReady)
      const again = await redeem()
      expect(again.status, again.text).toBe(200)
      expect(await ends()).toEqual([[null], [null]])
    })

    test('ends only what the code issued, when the code is used again', async () => {
      const { redeem, ends } = await issued()
      const { body } = await redeem()
      const { status } = await world.call('GET', '/oauth/userinfo', { token: String(body.access_token) })
      expect(status).toBe(200)
      expect(refusalOf(await redeem())).toEqual([400, 'grant_invalid'])
      expect(await ends()).toEqual([[null], [expect.any(Date)]])
    })
  })
})
