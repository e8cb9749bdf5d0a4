/** The signing keys of refresh tokens stay as long as an application may use such a token. */
import * as client from 'openid-client'
import { expect, test } from 'vitest'
import { administratorOf, discovered, enter, register } from '../support/applications.ts'
import { startWorld } from '../support/service.ts'

const day = 86_400

test('a refresh token that lives longer than ours works long after a rotation of the keys', async () => {
  const world = await startWorld()
  try {
    const admin = await administratorOf(world)
    const shop = await register(world, admin, { refresh_token_seconds: 30 * day })
    const config = await discovered(world, shop)
    const browser = world.openBrowser()
    await browser.signIn('google', world.newcomer())
    const first = await enter(world, browser, config)
    await world.vinculum.rotateSigningKeys()
    // The person stays signed in here: a sign-in to an application is over when the session is.
    const pass = async (days: number) => {
      for (let n = 0; n < days; n += 6) {
        world.turn(6 * day)
        expect((await browser.json('GET', '/me')).status).toBe(200)
        await world.vinculum.runJob('reload-signing-keys')
      }
    }
    await pass(12)
    const next = await client.refreshTokenGrant(config, first.refresh_token ?? '')
    await pass(24)
    const last = await client.refreshTokenGrant(config, next.refresh_token ?? '')
    expect(last.refresh_token).toEqual(expect.any(String))
  } finally {
    await world.stop()
  }
})
