/**
 * A request that got 503 is repeated, as the documentation asks. Neither the first attempt nor the repetition costs
 * anyone a sign-in.
 */
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sha256 } from '../../src/kernel/crypto.ts'
import { administratorOf, callback, discovered, enter, follow, register, request } from '../support/applications.ts'
import { connectPostgres, createMigratedDatabase, listLockWaiters } from '../support/postgres.ts'
import { proxyTo } from '../support/proxy.ts'
import { type Answer, pkce, refusalOf, startWorld, type World } from '../support/service.ts'

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
    world = await startWorld({ env: { DATABASE_URL: url, RETURN_TO_ALLOWED: 'https://app.example/in' } })
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
