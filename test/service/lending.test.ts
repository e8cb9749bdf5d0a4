import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  type Answer,
  databases,
  type Json,
  type ProviderName,
  refusalOf,
  startWorld,
  type World,
} from '../support/service.ts'

type BackEnd = { readonly id: string; readonly secret: string }

describe.each(databases)('lending a back end a provider’s token, on %s', (database) => {
  let world: World
  let shop: BackEnd
  beforeAll(async () => {
    world = await startWorld({ database })
    shop = await backEnd(['connections:token'])
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  async function administrator(): Promise<string> {
    const { access_token, user } = await world.signIn('google', world.newcomer())
    await world.vinculum.makeAdministrator(user.id)
    return access_token
  }
  async function backEnd(scopes: readonly string[]): Promise<BackEnd> {
    const token = await administrator()
    const { body } = await world.call('POST', '/service-credentials', { token, body: { name: 'Shop', scopes } })
    return { id: String(body.id), secret: String(body.secret) }
  }
  const basic = ({ id, secret }: BackEnd) => ({
    authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
  })
  const borrow = (body: object, as: BackEnd = shop): Promise<Answer> =>
    world.call('POST', '/connections/token', { body, headers: basic(as) })

  async function somebody(provider: ProviderName = 'atlassian') {
    const who = world.newcomer()
    const { access_token: token, user } = await world.signIn(provider, who)
    return { who, token, id: user.id }
  }
  /** Whether this token is good at Atlassian, and whose it is there. */
  async function atAtlassian(token: unknown): Promise<unknown> {
    const said = await fetch(`${world.sandbox.url}/atlassian/me`, { headers: { authorization: `Bearer ${token}` } })
    return said.status === 200 ? ((await said.json()) as Json).account_id : said.status
  }
  const renewals = () =>
    world.sandbox.journal.calls('atlassian', 'token').filter(({ body }) => body.grant_type === 'refresh_token').length
  const loans = async (accountId: string) =>
    (await world.trail()).filter((row) => row.event === 'provider_token.lent' && row.account_id === accountId)
  const dataOf = ({ data }: Json) => (typeof data === 'string' ? JSON.parse(data) : data) as Json

  test('gives an access token that works, says what it is good for, and writes the loan down', async () => {
    const eve = await somebody()
    const lent = await borrow({ user_id: eve.id, provider: 'atlassian', scopes: ['read:me', 'read:jira-work'] })
    expect(lent.status, lent.text).toBe(200)
    expect(lent.body).toEqual({
      access_token: expect.any(String),
      expires_at: new Date(world.clock().getTime() + 3600_000).toISOString(),
      scopes: ['read:me', 'offline_access'],
      missing_scopes: ['read:jira-work'],
    })
    expect(lent.headers.get('cache-control')).toBe('no-store')
    expect(await atAtlassian(lent.body.access_token)).toBe(world.sandbox.identities.get(eve.who)?.atlassian?.account_id)
    const told = await loans(eve.id)
    expect(told.map(dataOf)).toEqual([{ provider: 'atlassian', credential: shop.id }])
    // Where the back end sits is not the person's to read.
    expect(told.map(({ ip, user_agent }) => [ip, user_agent])).toEqual([[null, null]])
    const { body } = await world.call('GET', '/me/activity', { token: eve.token })
    expect((body.items as Json[]).map(({ event }) => event)).toContain('provider_token.lent')
  })
})
