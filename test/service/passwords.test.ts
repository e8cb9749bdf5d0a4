import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databases, listIn, refusalOf, startWorld, type World } from '../support/service.ts'

const password = 'a bar over letters that belong together'

describe.each(databases)('passwords, kept in %s', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database })
  })
  afterAll(() => world.stop())

  let people = 0
  const anAddress = (): string => `pw${++people}@example.org`
  const register = (email: string, more: object = {}) =>
    world.call('POST', '/auth/register', { body: { email, password, ...more } })
  const signIn = (username: string, given: string = password) =>
    world.call('POST', '/auth/token', { form: { username, password: given } })

  test('somebody registers, and signs in at once', async () => {
    const email = anAddress()
    const registered = await register(email, { name: 'Ada' })
    expect([registered.status, registered.body]).toEqual([201, { email }])
    const pair = await signIn(email)
    expect(pair.status, pair.text).toBe(200)
    const me = await world.call('GET', '/me', { token: String(pair.body.access_token) })
    expect(me.body).toMatchObject({ email, email_verified: false, name: 'Ada' })
    const sessions = listIn(await world.call('GET', '/me/sessions', { token: String(pair.body.access_token) }))
    expect(sessions).toMatchObject([{ amr: ['pwd'], provider: null, current: true, name: null }])
  })

  test('a wrong password is refused', async () => {
    const email = anAddress()
    await register(email)
    expect(refusalOf(await signIn(email, 'another bar over letters'))).toEqual([401, 'invalid_credentials'])
  })
})
