import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ACME_SITE, GLOBEX_SITE, type Site } from '../../sandbox/providers/atlassian.ts'
import { connectPostgres } from '../support/postgres.ts'
import {
  type Answer,
  aboveStore,
  type Json,
  type ProviderName,
  refusalOf,
  startWorld,
  type World,
} from '../support/service.ts'

type BackEnd = { readonly id: string; readonly secret: string }
const files = 'https://www.googleapis.com/auth/drive.readonly'

/**
 * Sends a request for a token, and closes the connection while the provider is renewing it. The provider answers after a
 * request without a client may start nothing new.
 */
async function leaveDuring({ base, sandbox }: World, { body, headers }: { body: object; headers: object }) {
  sandbox.fault({ provider: 'atlassian', endpoint: 'token' }, { kind: 'slow', ms: 2500 })
  const calls = () => sandbox.journal.calls('atlassian', 'token').length
  const before = calls()
  const leaving = new AbortController()
  const request = fetch(new URL('/connections/token', base), {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: leaving.signal,
  })
  await expect.poll(calls).toBeGreaterThan(before)
  leaving.abort()
  await expect(request).rejects.toThrow()
}

describe.each(aboveStore('PostgreSQL'))('lending a provider token to a back end, on %s', (database) => {
  let world: World
  let shop: BackEnd
  beforeAll(async () => {
    world = await startWorld({ database, env: { GOOGLE_OPTIONAL_SCOPES: files } })
    shop = await backEnd()
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  async function administrator(): Promise<string> {
    const { access_token, user } = await world.signIn('google', world.newcomer())
    await world.vinculum.makeAdministrator(user.id)
    return access_token
  }
  async function backEnd(scopes: readonly string[] = ['connections:token']): Promise<BackEnd> {
    const token = await administrator()
    const { body } = await world.call('POST', '/service-credentials', { token, body: { name: 'Shop', scopes } })
    return { id: String(body.id), secret: String(body.secret) }
  }
  const basic = ({ id, secret }: BackEnd) => ({
    authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
  })
  const borrow = (body: object, as: BackEnd = shop, at = world.base): Promise<Answer> =>
    world.call('POST', '/connections/token', { body, headers: basic(as), at })

  async function somebody(provider: ProviderName = 'atlassian') {
    const who = world.newcomer()
    const { access_token: token, user } = await world.signIn(provider, who)
    return { who, token, id: user.id, wants: { user_id: user.id, provider } }
  }
  const subjectAt = (who: string): unknown => world.sandbox.identities.get(who)?.atlassian?.account_id
  /** The Atlassian account a token belongs to; the status where it belongs to none. */
  async function atAtlassian(token: unknown): Promise<unknown> {
    const said = await fetch(`${world.sandbox.url}/atlassian/me`, { headers: { authorization: `Bearer ${token}` } })
    return said.status === 200 ? ((await said.json()) as Json).account_id : said.status
  }
  const renewals = () =>
    world.sandbox.journal.calls('atlassian', 'token').filter(({ body }) => body.grant_type === 'refresh_token').length
  const tokenOf = async (who: string): Promise<Json | undefined> =>
    (await world.dump('grants')).grants?.find(({ subject }) => subject === subjectAt(who))
  const dataOf = ({ data }: Json) => (typeof data === 'string' ? JSON.parse(data) : data) as Json
  const loansOf = async (accountId: string | null) =>
    (await world.trail()).filter(({ event, account_id }) => event === 'provider_token.lent' && account_id === accountId)

  test('returns a valid token with its scopes and records the loan', async () => {
    const eve = await somebody()
    const lent = await borrow({ ...eve.wants, scopes: ['read:me', 'read:jira-work'] })
    expect(lent.status, lent.text).toBe(200)
    expect(lent.body).toEqual({
      access_token: expect.any(String),
      expires_at: new Date(world.clock().getTime() + 3600_000).toISOString(),
      scopes: ['read:me', 'offline_access'],
      missing_scopes: ['read:jira-work'],
    })
    expect(lent.headers.get('cache-control')).toBe('no-store')
    expect(await atAtlassian(lent.body.access_token)).toBe(subjectAt(eve.who))
    const told = await loansOf(eve.id)
    expect(told.map(dataOf)).toEqual([{ provider: 'atlassian', credential: shop.id }])
    // The IP address of the back end is not shown to the user.
    expect(told.map(({ ip, user_agent }) => [ip, user_agent])).toEqual([[null, null]])
    const { body } = await world.call('GET', '/me/activity', { token: eve.token })
    expect((body.items as Json[]).map(({ event }) => event)).toContain('provider_token.lent')
  })

  test('does not flood the user’s activity, which can be filtered by loans', async () => {
    const eve = await somebody()
    for (let n = 0; n < 12; n++) expect((await borrow(eve.wants)).status).toBe(200)
    const events = async (query: string) => {
      const { body } = await world.call('GET', `/me/activity?limit=100${query}`, { token: eve.token })
      return (body.items as Json[]).map(({ event }) => event)
    }
    const loans = Array.from({ length: 12 }, () => 'provider_token.lent')
    const others = ['authentication.succeeded', 'account.created']
    expect(await events('')).toEqual([...loans, ...others])
    expect(await events('&kind=others')).toEqual(others)
    expect(await events('&kind=loans')).toEqual(loans)
    const refused = await world.call('GET', '/me/activity?kind=security', { token: eve.token })
    expect(refusalOf(refused)).toEqual([400, 'invalid_request'])

    const browser = world.openBrowser()
    await browser.signIn('atlassian', eve.who)
    const account = (await browser.go(`${world.base}/account/activity?kind=others`)).text
    const line = 'A back end of this service acted for you at Atlassian'
    expect([account.includes(line), account.includes('Account created')]).toEqual([false, true])
    expect(account).toContain('href="/account/activity?kind=loans"')
    const page = (await browser.go(`${world.base}/account/activity?kind=loans`)).text
    expect([page.split(line).length - 1, page.includes('Account opened')]).toEqual([12, false])
  })

  test('treats a provider’s aliases of a scope as the same scope', async () => {
    const eve = await somebody('google')
    const lent = await borrow({ ...eve.wants, scopes: ['openid', 'email', files] })
    expect(lent.body.scopes).toContain('https://www.googleapis.com/auth/userinfo.email')
    expect(lent.body.missing_scopes).toEqual([files])
  })

  test('returns a token without an expiry where the provider’s tokens never expire', async () => {
    const eve = await somebody('github')
    const lent = await borrow({ ...eve.wants, min_ttl_seconds: 1800 })
    expect([lent.status, lent.body.expires_at]).toEqual([200, null])
  })

  test('renews an expired token first, once for concurrent callers on all nodes', async () => {
    const eve = await somebody()
    const other = await world.another()
    const first = await borrow(eve.wants)
    world.turn(3601)
    const before = renewals()
    const asked = Array.from({ length: 12 }, (_, n) => borrow(eve.wants, shop, n % 2 ? world.base : other.base))
    const answers = await Promise.all(asked)
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    expect(renewals() - before).toBe(1)
    const tokens = new Set(answers.map(({ body }) => body.access_token))
    expect(tokens.size).toBe(1)
    expect(tokens.has(first.body.access_token)).toBe(false)
    expect(await atAtlassian([...tokens][0])).toBe(subjectAt(eve.who))
    expect(await loansOf(eve.id)).toHaveLength(13)
  })

  test('renews a token that would expire before min_ttl_seconds', async () => {
    const eve = await somebody()
    world.turn(2400)
    const before = renewals()
    const enough = await borrow({ ...eve.wants, min_ttl_seconds: 1199 })
    expect(renewals() - before).toBe(0)
    const longer = await borrow({ ...eve.wants, min_ttl_seconds: 1800 })
    expect(renewals() - before).toBe(1)
    expect(longer.body.access_token).not.toBe(enough.body.access_token)
    expect(longer.body.expires_at).toBe(new Date(world.clock().getTime() + 3600_000).toISOString())
  })

  test('keeps a token that the provider renewed after the back end had left', async () => {
    const eve = await somebody()
    world.turn(3601)
    const before = renewals()
    await leaveDuring(world, { body: eve.wants, headers: basic(shop) })
    await expect.poll(() => tokenOf(eve.who)).toMatchObject({ refreshed_at: expect.anything(), lease_owner: null })
    const lent = await borrow(eve.wants)
    expect(lent.status, lent.text).toBe(200)
    expect(await atAtlassian(lent.body.access_token)).toBe(subjectAt(eve.who))
    expect(renewals() - before).toBe(1)
  })

  test('gets the renewed token although the back end that asked for it first has left', async () => {
    const eve = await somebody()
    world.turn(3601)
    const before = renewals()
    const left = leaveDuring(world, { body: eve.wants, headers: basic(shop) })
    await expect.poll(() => renewals() - before).toBe(1)
    const lent = await borrow(eve.wants)
    await left
    expect(lent.status, lent.text).toBe(200)
    expect(await atAtlassian(lent.body.access_token)).toBe(subjectAt(eve.who))
    expect(renewals() - before).toBe(1)
  })

  test('requires a new consent when the provider no longer accepts the token, which is found out once', async () => {
    const eve = await somebody()
    world.turn(3601)
    world.sandbox.killRefreshTokens('atlassian', eve.who)
    const before = renewals()
    for (let n = 0; n < 3; n++) expect(refusalOf(await borrow(eve.wants))).toEqual([409, 'needs_reauthorization'])
    expect(renewals() - before).toBe(1)
    expect(await loansOf(eve.id)).toEqual([])
    await world.signIn('atlassian', eve.who)
    expect((await borrow(eve.wants)).status).toBe(200)
  })

  test('returns Retry-After while the provider is down, and recovers afterwards', async () => {
    const eve = await somebody()
    world.turn(3601)
    world.sandbox.fault({ provider: 'atlassian', endpoint: 'token' }, { kind: 'status', status: 503 })
    const down = await borrow(eve.wants)
    expect(refusalOf(down)).toEqual([503, 'provider_unavailable'])
    expect(Number(down.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(down.text).not.toMatch(/access_token/)
    world.sandbox.clearFaults()
    world.turn(Number(down.headers.get('retry-after')))
    expect((await borrow(eve.wants)).status).toBe(200)
  })

  test('returns the same error for every account that has no token to lend', async () => {
    const [disabled, unlinked, withdrawn, erased, other] = [
      await somebody(),
      await somebody('google'),
      await somebody(),
      await somebody(),
      await somebody('google'),
    ]
    const token = await administrator()
    expect((await world.call('POST', `/users/${disabled.id}/disable`, { token })).status).toBe(200)
    await world.enter('atlassian', unlinked.who, { intent: 'link', token: unlinked.token })
    expect((await borrow({ user_id: unlinked.id, provider: 'atlassian' })).status).toBe(200)
    const listed = JSON.parse((await world.call('GET', '/me/identities', { token: unlinked.token })).text) as Json[]
    const atlassian = listed.find(({ provider }) => provider === 'atlassian')
    await world.call('DELETE', `/me/identities/${atlassian?.id}`, { token: unlinked.token })
    const [mine] = JSON.parse((await world.call('GET', '/me/identities', { token: withdrawn.token })).text) as Json[]
    await world.call('DELETE', `/me/identities/${mine?.id}/grant`, { token: withdrawn.token })
    await world.call('DELETE', '/me', { token: erased.token })
    const nobodys = [
      { user_id: 'usr_nobody', provider: 'atlassian' },
      { user_id: '\u0000 not an id', provider: 'atlassian' },
      { user_id: other.id, provider: 'atlassian' },
      { team_id: 'team_nobody', provider: 'atlassian' },
      { team_id: other.id, provider: 'atlassian' },
      ...[disabled, unlinked, withdrawn, erased].map(({ id }) => ({ user_id: id, provider: 'atlassian' })),
    ]
    const bodies = new Set<string>()
    for (const wants of nobodys) {
      const refused = await borrow(wants)
      expect([wants, ...refusalOf(refused)]).toEqual([wants, 404, 'not_connected'])
      bodies.add(JSON.stringify({ ...refused.body, request_id: '' }))
    }
    expect(bodies.size).toBe(1)
    expect(refusalOf(await borrow({ user_id: other.id, provider: 'nowhere' }))).toEqual([404, 'not_connected'])
  })

  test('chooses among several identities of one provider a valid one with the most scopes, used most recently', async () => {
    const eve = await somebody('google')
    const [first, second] = [world.newcomer(), world.newcomer()]
    for (const who of [first, second]) {
      await world.enter('atlassian', who, { intent: 'link', token: eve.token })
      world.turn(60)
    }
    const wants = { user_id: eve.id, provider: 'atlassian' }
    const whose = async (more: object = {}) => atAtlassian((await borrow({ ...wants, ...more })).body.access_token)
    expect(await whose()).toBe(subjectAt(second))
    await world.signIn('atlassian', first)
    expect(await whose()).toBe(subjectAt(first))
    // More scopes decide before that.
    const wide = JSON.stringify(['read:me', 'offline_access', 'read:jira-work'])
    const statement = `update grants set scopes = '${wide}' where subject = '${subjectAt(second)}'`
    await world.operator(statement)
    expect(await whose({ scopes: ['read:jira-work'] })).toBe(subjectAt(second))
    expect(await whose({ scopes: ['read:me'] })).toBe(subjectAt(first))
    // And a dead token does not get in the way.
    world.turn(3601)
    world.sandbox.killRefreshTokens('atlassian', second)
    const lent = await borrow({ ...wants, scopes: ['read:jira-work'] })
    expect([lent.status, lent.body.missing_scopes]).toEqual([200, ['read:jira-work']])
    expect(await atAtlassian(lent.body.access_token)).toBe(subjectAt(first))
    world.sandbox.killRefreshTokens('atlassian', first)
    world.turn(3601)
    expect(refusalOf(await borrow(wants))).toEqual([409, 'needs_reauthorization'])
  })

  test('is only for authenticated back ends with the scope', async () => {
    const eve = await somebody()
    const { wants } = eve
    world.turn(3600 * 25)
    const anybody = await world.call('POST', '/connections/token', { body: wants })
    expect(refusalOf(anybody)).toEqual([401, 'invalid_client'])
    expect(anybody.headers.get('www-authenticate')).toMatch(/^Basic realm=/)
    expect(refusalOf(await borrow(wants, { ...shop, secret: 'x'.repeat(43) }))).toEqual([401, 'invalid_client'])
    const person = await world.call('POST', '/connections/token', { body: wants, token: eve.token })
    expect(refusalOf(person)).toEqual([401, 'invalid_client'])
    const introspects = await borrow(wants, await backEnd(['introspect']))
    expect(refusalOf(introspects)).toEqual([403, 'insufficient_scope'])
    expect(introspects.headers.get('www-authenticate')).toContain('connections:token')
    const gone = await backEnd()
    expect((await borrow(wants, gone)).status).toBe(200)
    const token = await administrator()
    await world.call('DELETE', `/service-credentials/${gone.id}`, { token })
    expect(refusalOf(await borrow(wants, gone))).toEqual([401, 'invalid_client'])
    const bearer = await world.call('POST', '/connections/token', { body: wants, token: `${shop.id}.${shop.secret}` })
    expect(bearer.status).toBe(200)
  })

  test('rejects invalid fields and names them', async () => {
    const { id } = await somebody()
    const one = { user_id: id, provider: 'atlassian' }
    const refused: readonly [object, string][] = [
      [{ provider: 'atlassian' }, 'user_id'],
      [{ ...one, team_id: 'team_1' }, 'team_id'],
      [{ user_id: id }, 'provider'],
      [{ ...one, provider: '' }, 'provider'],
      [{ ...one, scopes: 'read:me' }, 'scopes'],
      [{ ...one, scopes: ['read me'] }, 'scopes.0'],
      [{ ...one, min_ttl_seconds: 1801 }, 'min_ttl_seconds'],
      [{ ...one, min_ttl_seconds: -1 }, 'min_ttl_seconds'],
      [{ ...one, min_ttl_seconds: 1.5 }, 'min_ttl_seconds'],
      [{ ...one, refresh_token: true }, 'refresh_token'],
    ]
    for (const [body, path] of refused) {
      const answer = await borrow(body)
      expect([body, ...refusalOf(answer)]).toEqual([body, 400, 'invalid_request'])
      expect((answer.body.errors as Json[])[0]?.path).toBe(path)
    }
    expect(await loansOf(id)).toEqual([])
  })

  describe('of a team', () => {
    /** A team whose Jira this user connects, with these sites at their Atlassian account. */
    async function team(sites: readonly Site[]) {
      const who = world.newcomer({}, { atlassian: { sites: structuredClone([...sites]) } })
      const { access_token: token, user } = await world.signIn('google', who)
      const made = await world.call('POST', '/teams', { token, body: { name: 'Support' } })
      const jira = `/teams/${made.body.id}/integrations/jira`
      const { body } = await world.call('POST', `${jira}/authorize`, { token, body: {} })
      const back = await world.approve(String(body.authorize_url), who)
      const flow = { provider: 'atlassian', url: '', state: String(body.state), flowToken: String(body.flow_token) }
      const connected = await world.finish({ ...flow, provider: 'atlassian' }, back, { token })
      expect(connected.status, connected.text).toBe(200)
      const choose = (...ids: readonly string[]) =>
        world.call('PUT', `${jira}/sites`, { token, body: { cloud_ids: ids } })
      return { who, token, id: user.id, jira, choose, wants: { team_id: made.body.id, provider: 'atlassian' } }
    }

    test('returns the selected sites, and is recorded in the audit log of the user who connected it', async () => {
      const ada = await team([ACME_SITE, GLOBEX_SITE])
      expect(refusalOf(await borrow(ada.wants))).toEqual([404, 'not_connected'])
      expect((await ada.choose(GLOBEX_SITE.id)).status).toBe(200)
      const lent = await borrow({ ...ada.wants, scopes: ['read:jira-work', 'write:jira-work'] })
      expect(lent.status, lent.text).toBe(200)
      expect(lent.body.sites).toEqual([
        { cloud_id: GLOBEX_SITE.id, name: GLOBEX_SITE.name, url: 'https://globex.atlassian.net' },
      ])
      expect(lent.body.missing_scopes).toEqual(['write:jira-work'])
      expect(await atAtlassian(lent.body.access_token)).toBe(subjectAt(ada.who))
      expect((await loansOf(ada.id)).map(dataOf)).toEqual([
        { provider: 'atlassian', credential: shop.id, team: ada.wants.team_id },
      ])
      // The consent belongs to the team: the user lends nothing of it.
      expect(refusalOf(await borrow({ user_id: ada.id, provider: 'atlassian' }))).toEqual([404, 'not_connected'])
      expect(refusalOf(await borrow({ ...ada.wants, provider: 'google' }))).toEqual([404, 'not_connected'])
    })

    test('connected with another client registration fails, and asks for a new connection', async () => {
      const ada = await team([ACME_SITE])
      const other = await world.another({ ATLASSIAN_CLIENT_ID: 'another-registration' })
      const { body } = await world.call('GET', ada.jira, { token: ada.token, at: other.base })
      expect(body.status).toBe('needs_reauthorization')
      expect(refusalOf(await borrow(ada.wants, shop, other.base))).toEqual([409, 'needs_reauthorization'])
      expect((await borrow(ada.wants)).status).toBe(200)
    })

    test('is refused while the user who connected it is disabled, and works again once they are enabled', async () => {
      const ada = await team([ACME_SITE])
      expect((await borrow(ada.wants)).status).toBe(200)
      const token = await administrator()
      await world.call('POST', `/users/${ada.id}/disable`, { token })
      const before = [renewals(), (await loansOf(ada.id)).length]
      world.turn(3601)
      expect(refusalOf(await borrow(ada.wants))).toEqual([409, 'needs_reauthorization'])
      expect([renewals(), (await loansOf(ada.id)).length]).toEqual(before)
      await world.call('POST', `/users/${ada.id}/enable`, { token: await administrator() })
      const lent = await borrow(ada.wants)
      expect(await atAtlassian(lent.body.access_token)).toBe(subjectAt(ada.who))
    })

    test('renews the token once for concurrent callers too, and ends with the connection', async () => {
      const ada = await team([ACME_SITE])
      const first = await borrow(ada.wants)
      world.turn(3601)
      const before = renewals()
      const answers = await Promise.all(Array.from({ length: 8 }, () => borrow(ada.wants)))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      expect(renewals() - before).toBe(1)
      expect(answers[0]?.body.access_token).not.toBe(first.body.access_token)
      world.turn(3601)
      world.sandbox.killRefreshTokens('atlassian', ada.who)
      expect(refusalOf(await borrow(ada.wants))).toEqual([409, 'needs_reauthorization'])
      const { access_token: token } = await world.signIn('google', ada.who)
      expect((await world.call('DELETE', ada.jira, { token })).status).toBe(204)
      expect(refusalOf(await borrow(ada.wants))).toEqual([404, 'not_connected'])
    })

    test('continues when that user withdraws their own permissions, and the other way round', async () => {
      const ada = await team([ACME_SITE])
      const linked = await world.enter('atlassian', ada.who, { intent: 'link', token: ada.token })
      expect(linked.status, linked.text).toBe(200)
      expect((await borrow({ user_id: ada.id, provider: 'atlassian' })).status).toBe(200)
      const all = JSON.parse((await world.call('GET', '/me/identities', { token: ada.token })).text) as Json[]
      const own = all.find(({ provider }) => provider === 'atlassian')
      const before = world.sandbox.journal.calls('atlassian', 'revoke').length
      await world.call('DELETE', `/me/identities/${own?.id}/grant`, { token: ada.token })
      world.turn(61)
      await world.vinculum.runJob('revoke-at-provider')
      // One consent with two uses: it is not revoked while one of them is left.
      expect(world.sandbox.journal.calls('atlassian', 'revoke')).toHaveLength(before)
      const lent = await borrow(ada.wants)
      expect(await atAtlassian(lent.body.access_token)).toBe(subjectAt(ada.who))
      expect(refusalOf(await borrow({ user_id: ada.id, provider: 'atlassian' }))).toEqual([404, 'not_connected'])
      await world.call('DELETE', ada.jira, { token: ada.token })
      world.turn(61)
      await world.vinculum.runJob('revoke-at-provider')
      expect(world.sandbox.journal.calls('atlassian', 'revoke')).toHaveLength(before + 1)
    })
  })

  test('fails when the loan cannot be recorded', async () => {
    const eve = await somebody()
    const statement =
      database === 'SQLite'
        ? [
            "create trigger no_loans before insert on audit when new.event = 'provider_token.lent' begin select raise(abort, 'no'); end",
            'drop trigger no_loans',
          ]
        : [
            "alter table audit add constraint no_loans check (event <> 'provider_token.lent') not valid",
            'alter table audit drop constraint no_loans',
          ]
    await world.operator(statement[0] ?? '')
    const refused = await borrow(eve.wants)
    await world.operator(statement[1] ?? '')
    expect(refused.status).toBeGreaterThanOrEqual(500)
    expect(refused.text).not.toMatch(/access_token/)
    expect((await borrow(eve.wants)).status).toBe(200)
  })

  test('leaves no unencrypted token in the log or anywhere else', async () => {
    const eve = await somebody()
    const lent = await borrow(eve.wants)
    world.turn(3601)
    const again = await borrow(eve.wants)
    const stored = JSON.stringify(await world.dump())
    const logged = world.logged.join('')
    for (const { body } of [lent, again]) {
      const token = String(body.access_token)
      expect(token.length).toBeGreaterThan(20)
      expect([logged.includes(token), stored.includes(token)]).toEqual([false, false])
    }
    expect(logged).toContain('provider_token.lent')
    // No response to a loan ever contained a refresh token.
    const answers = world.seen.filter(({ path }) => path === '/connections/token')
    expect(answers.length).toBeGreaterThan(30)
    for (const { text } of answers) expect(text).not.toContain('"refresh_token":')
  })
})

test('closing the service waits for the renewal of a token, also if nobody else does', async () => {
  const world = await startWorld({ database: 'PostgreSQL' })
  const { access_token: token, user } = await world.signIn('google', world.newcomer())
  await world.vinculum.makeAdministrator(user.id)
  const { body } = await world.call('POST', '/service-credentials', {
    token,
    body: { name: 'Shop', scopes: ['connections:token'] },
  })
  const eve = await world.signIn('atlassian', world.newcomer())
  world.turn(3601)
  await leaveDuring(world, {
    body: { user_id: eve.user.id, provider: 'atlassian' },
    headers: { authorization: `Basic ${Buffer.from(`${body.id}:${body.secret}`).toString('base64')}` },
  })
  let stored: unknown
  world.onStop(async () => {
    const client = await connectPostgres(world.databaseUrl)
    const { rows } = await client.query('select refreshed_at, lease_owner, status from grants where provider = $1', [
      'atlassian',
    ])
    stored = rows
    await client.end()
  })
  await world.stop()
  expect(stored).toEqual([{ refreshed_at: expect.anything(), lease_owner: null, status: 'healthy' }])
})
