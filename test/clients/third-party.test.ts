/**
 * Third-party clients sign people in through this service, each with its own library and against a real server.
 * `openid-client` is in `service/openid.test.ts`, and `oidc-client-ts` in a browser in `docs/readme.test.ts`.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { administratorOf, follow, register } from '../support/applications.ts'
import { startWorld, type World } from '../support/service.ts'
import { authExpress } from './auth-express.ts'
import { oauth4webapi } from './oauth4webapi.ts'
import { passportOpenidconnect } from './passport-openidconnect.ts'
import { listenLater } from './relying-party.ts'

let world: World
let admin: () => Promise<string>
beforeAll(async () => {
  world = await startWorld()
  admin = await administratorOf(world)
})
afterAll(() => world?.stop())

test.each([oauth4webapi, passportOpenidconnect, authExpress])(
  '$name signs a person in, refreshes and signs out',
  async ({ path, auth, connect }) => {
    const server = await listenLater()
    try {
      const redirectUri = `${server.origin}${path}`
      const { id, secret } = await register(world, admin, {
        redirect_uris: [redirectUri],
        post_logout_redirect_uris: [redirectUri, server.origin],
        client_auth: auth,
      })
      const registration = { issuer: world.base, clientId: id, clientSecret: secret ?? '', redirectUri }
      const client = await connect(registration, server.mount)

      const who = world.newcomer()
      const browser = world.openBrowser()
      const asked = await follow(world, browser, await client.begin())
      expect(asked.page.url.pathname).toBe('/login')
      const back = await browser.signIn('google', who, {
        return_to: asked.page.url.searchParams.get('return_to') ?? '',
      })
      const { left } = await follow(world, browser, new URL(back.headers.get('location') ?? '', world.base))
      const signedIn = await client.finish(left ?? new URL(world.base))
      expect(signedIn).toMatchObject({ subject: expect.stringMatching(/^usr_/), email: world.emailOf(who) })

      const second = await client.refresh()
      const third = await client.refresh()
      expect(new Set([signedIn.refreshToken, second, third]).size).toBe(3)

      const out = await follow(world, browser, await client.signOut())
      expect(out.left?.origin).toBe(server.origin)
      expect((await browser.ask(`${world.base}/account`)).headers.get('location')).toMatch(/^\/login/)
      await expect(client.refresh()).rejects.toThrow(/invalid_grant|server responded with an error/)
    } finally {
      await server.close()
    }
  },
)
