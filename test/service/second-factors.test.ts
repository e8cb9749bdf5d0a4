import { TOTP } from 'otpauth'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  type Answer,
  type AuthAnswer,
  authOf,
  databases,
  type Json,
  listIn,
  refusalOf,
  startWorld,
  type World,
} from '../support/service.ts'

describe.each(databases)('a second factor, on %s', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database })
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  type App = { readonly code: (steps?: number) => string; readonly secret: string }
  const appOf = (secret: string): App => {
    const totp = new TOTP({ secret })
    return { secret, code: (steps = 0) => totp.generate({ timestamp: world.clock().getTime() + steps * 30_000 }) }
  }
  const post = (path: string, token: string | undefined, body?: object): Promise<Answer> =>
    world.call('POST', path, { token, ...(body ? { body } : {}) })

  /** Somebody with an authenticator app. */
  async function enrolled(
    as = world.newcomer(),
  ): Promise<{ who: string; auth: AuthAnswer; app: App; codes: string[] }> {
    const auth = await world.signIn('google', as)
    const begun = await post('/me/second-factor/totp', auth.access_token)
    expect(begun.status, begun.text).toBe(200)
    const app = appOf(String(begun.body.secret))
    const confirmed = await post('/me/second-factor/totp/confirm', auth.access_token, { code: app.code() })
    expect(confirmed.status, confirmed.text).toBe(200)
    world.turn(30)
    return { who: as, auth, app, codes: confirmed.body.recovery_codes as string[] }
  }
  /** The first half of a sign-in. */
  async function half(who: string): Promise<string> {
    const refused = await world.enter('google', who)
    expect(refusalOf(refused)).toEqual([401, 'second_factor_required'])
    return String(refused.body.second_factor_ticket)
  }
  const prove = (ticket: string, proof: object): Promise<Answer> =>
    world.call('POST', '/auth/second-factor', { body: { second_factor_ticket: ticket, ...proof } })

  test('is asked for after a provider sign-in once an app is confirmed, and its code lets in', async () => {
    const { who, app, auth } = await enrolled()
    const ticket = await half(who)
    const entered = authOf(await prove(ticket, { totp: app.code() }))
    expect(entered.user.id).toBe(auth.user.id)
    expect(entered.provider_info.provider).toBe('google')
    const sessions = listIn(await world.call('GET', '/me/sessions', { token: entered.access_token }))
    expect(sessions.find(({ current }) => current)?.amr).toEqual(['fed', 'otp', 'mfa'])
  })
})
