/** A service without applications must not pay for the OpenID engine: which modules are loaded, and when. */
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { administratorOf, discovered, enter, register } from '../support/applications.ts'
import { startWorld } from '../support/service.ts'

/** The engine is an ES module, of which Node lists nothing. It depends on Koa, which is listed once it is loaded. */
const isLoaded = (): boolean =>
  Object.keys(createRequire(import.meta.url).cache).some((path) => /[\\/]node_modules[\\/]koa[\\/]/.test(path))

test('the engine is loaded for the first application that signs someone in, and not before', async () => {
  const world = await startWorld({})
  try {
    const admin = await administratorOf(world)
    const browser = world.openBrowser()
    await browser.signIn('google', world.newcomer())
    const id = 'app_00000001'
    const uid = 'a'.repeat(43)
    await world.call('GET', '/.well-known/openid-configuration')
    await browser.ask(`${world.base}/oauth/authorize?client_id=${id}&response_type=code&scope=openid`)
    await browser.ask(`${world.base}/oauth/authorize/${uid}`, { headers: { cookie: `vinculum_application_${uid}=1` } })
    await browser.ask(`${world.base}/oauth/interaction/${uid}`, {
      headers: { cookie: `vinculum_application_${uid}=1` },
    })
    for (const grant of ['authorization_code', 'refresh_token', 'client_credentials'])
      await world.call('POST', '/oauth/token', { form: { grant_type: grant, code: 'x', client_id: id } })
    await world.call('POST', '/oauth/par', { form: { client_id: id } })
    await world.call('POST', '/oauth/device', { form: { client_id: id } })
    await world.call('POST', '/oauth/revoke', { form: { token: 'x', client_id: id } })
    const page = await browser.ask(`${world.base}/device`)
    await browser.submit(page, '/device', { user_code: 'BCDF-GHJK' })
    expect(isLoaded()).toBe(false)
    const shop = await register(world, admin)
    expect(isLoaded()).toBe(false)
    await enter(world, browser, await discovered(world, shop))
    expect(isLoaded()).toBe(true)
  } finally {
    await world.stop()
  }
})
