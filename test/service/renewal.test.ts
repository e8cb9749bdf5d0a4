import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aboveStore, listIn, startWorld, type World } from '../support/service.ts'

describe.each(aboveStore('SQLite'))('provider tokens, on %s', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database })
  })
  afterAll(() => world.stop())

  const refreshes = () =>
    world.sandbox.journal.calls('atlassian', 'token').filter(({ body }) => body.grant_type === 'refresh_token')
  const renewDue = () => world.vinculum.runJob('renew-provider-tokens')
  /** A Google account with Atlassian linked, and a function that reads its connection status as the owner. */
  const linked = async () => {
    const who = world.newcomer()
    const signedIn = await world.signIn('google', who)
    await world.enter('atlassian', who, { intent: 'link', token: signedIn.access_token })
    let { refresh_token } = signedIn
    const status = async () => {
      const { body } = await world.call('POST', '/auth/refresh', { body: { refresh_token } })
      refresh_token = String(body.refresh_token)
      const token = String(body.access_token)
      const identities = listIn(await world.call('GET', '/me/identities', { token }))
      return identities.find(({ provider }) => provider === 'atlassian')?.token_status
    }
    return { who, status }
  }

  test('are renewed once by the job shortly before they expire', async () => {
    const { status } = await linked()
    const before = refreshes().length
    world.turn(3480)
    await renewDue()
    await renewDue()
    expect(refreshes()).toHaveLength(before + 1)
    expect(await status()).toBe('healthy')
    expect((await world.call('GET', '/metrics')).text).toMatch(
      /^vinculum_provider_token_refreshes_total\{provider="atlassian",result="refreshed"\} [1-9]/m,
    )
  })

  test('survive an invalid scope in the response, and so does the sign-in', async () => {
    const spoilt = (body: Record<string, unknown>) => ({ ...body, scope: `${body.scope} read:\u0000` })
    world.sandbox.fault({ provider: 'atlassian', endpoint: 'token' }, { kind: 'mutate', change: spoilt })
    const { status } = await linked()
    world.turn(3480)
    await renewDue()
    world.sandbox.clearFaults()
    expect(await status()).toBe('healthy')
  })

  test('are retried later when the provider is down, and the connection is degraded in the meantime', async () => {
    const { status } = await linked()
    world.turn(3480)
    world.sandbox.fault({ provider: 'atlassian', endpoint: 'token' }, { kind: 'status', status: 500 })
    await renewDue()
    expect(await status()).toBe('degraded')
    world.sandbox.clearFaults()
    world.turn(300)
    await renewDue()
    expect(await status()).toBe('healthy')
  })

  test('notify the user once when a new consent is needed', async () => {
    const { who, status } = await linked()
    world.sandbox.killRefreshTokens('atlassian', who)
    world.turn(3480)
    await renewDue()
    expect(await status()).toBe('needs_reauthorization')
    for (let n = 0; n < 3; n++) {
      world.turn(3600)
      await renewDue()
    }
    const messages = await world.mailTo(world.emailOf(who))
    expect(messages.filter(({ subject }) => subject === 'Renew your permission at Atlassian')).toHaveLength(1)
    const trail = (await world.trail()).filter(({ event }) => event === 'provider_token.needs_reauthorization')
    expect(trail).toHaveLength(1)
    // Connecting it again is enough.
    await world.signIn('atlassian', who)
    expect(await status()).toBe('healthy')
  })

  test('are not renewed again with a dead refresh token after a sign-in, and a new one is requested', async () => {
    const who = world.newcomer()
    await world.signIn('google', who)
    world.sandbox.killRefreshTokens('google', who)
    const messages = async () => (await world.mailTo(world.emailOf(who))).length
    world.turn(3480)
    await renewDue()
    const before = await messages()
    expect(before).toBeGreaterThan(0)
    const { access_token: token } = await world.signIn('google', who)
    const [identity] = listIn(await world.call('GET', '/me/identities', { token }))
    expect(identity).toMatchObject({ token_status: 'healthy' })
    world.turn(3480)
    await renewDue()
    expect(await messages()).toBe(before)

    // The page asks for consent once more, and only then is there a token that works.
    await world
      .openBrowser()
      .signIn('google', who, { return_to: `/account/identities/${identity?.id}`, consent: 'again' })
    world.turn(3480)
    await renewDue()
    const grant = (await world.dump('grants')).grants?.find(({ subject }) => subject === identity?.provider_user_id)
    expect(grant).toMatchObject({ status: 'healthy', refreshed_at: expect.anything() })
  })
})
