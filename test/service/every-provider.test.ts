/** A sign-in with every look-alike of the sandbox, through the whole service. A new provider is covered without a change. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { CALLBACK_NAME, lookAlikeOf, PROVIDERS } from '../../sandbox/providers/index.ts'
import { listIn, startWorld, type World } from '../support/service.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ kinds: PROVIDERS })
})
afterEach(() => world.calm())
afterAll(() => world?.stop())

test('every provider is offered', async () => {
  const listed = listIn(await world.call('GET', '/auth/providers')).map(({ id }) => id)
  expect(listed.toSorted()).toEqual(Object.values(CALLBACK_NAME).toSorted())
  const page = (await world.openBrowser().go(`${world.base}/login`)).text
  for (const id of listed) expect(page).toContain(`href="/auth/${id}"`)
})

test.each(PROVIDERS)('a new user of %s gets an account, returns to it, and withdraws the permission', async (kind) => {
  const id = CALLBACK_NAME[kind]
  const who = world.newcomer()
  const browser = world.openBrowser()
  const me = async () => (await browser.json('GET', '/me')).body
  expect((await browser.signIn(id, who)).headers.get('location')).toContain('/account')
  const { id: account } = await me()
  expect(account).toEqual(expect.any(String))

  const identities = listIn(await browser.json('GET', '/me/identities'))
  expect(identities.map(({ provider }) => provider)).toEqual([id])
  const page = `/account/identities/${identities[0]?.id}`
  // The permissions in words, and what the provider returns now.
  const shown = (await browser.go(`${world.base}${page}`)).text
  // The scopes of a generic provider have names that nobody here knows.
  if (lookAlikeOf(kind).listedIn === undefined) expect(shown).not.toContain('other access')
  expect(shown).toContain('works')

  const again = world.openBrowser()
  await again.signIn(id, who)
  expect((await again.json('GET', '/me')).body.id).toBe(account)
  const withdrawn = await browser.json('DELETE', `/me/identities/${identities[0]?.id}/grant`)
  expect([200, 202, 204]).toContain(withdrawn.status)
})
