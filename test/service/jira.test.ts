import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ACME_SITE, GLOBEX_SITE, INITECH_SITE, type Jira, jiraIn } from '../support/jira.ts'
import { aboveStore, listIn, refusalOf, startWorld, type World } from '../support/service.ts'

describe.each(aboveStore('SQLite'))('a team’s Jira, on %s', (database) => {
  let world: World
  let jira: Jira
  beforeAll(async () => {
    world = await startWorld({ database })
    jira = jiraIn(world)
  })
  afterEach(() => {
    world.calm()
    world.sandbox.switches.atlassian.pageSize = 50
  })
  afterAll(() => world.stop())

  const statusesOf = async (team: string, who: { token: string }) => {
    const { body } = await jira.status(team, who)
    return [body.status, body.sync_status, body.last_error]
  }
  const revocations = () => world.sandbox.journal.calls('atlassian', 'revoke').length
  const chosenIn = async (team: string, who: { token: string }) =>
    (await jira.sites(team, who)).filter(({ chosen }) => chosen).map(({ name }) => name)

  describe('connecting', () => {
    test('starts from the status not_connected', async () => {
      const ada = await jira.somebody()
      const team = await jira.team(ada)
      expect((await jira.status(team, ada)).body).toEqual({
        team_id: team,
        status: 'not_connected',
        sites: [],
        scopes: [],
        missing_scopes: [],
        connected_by: null,
        connected_at: null,
        expires_at: null,
        last_sync_at: null,
        sync_status: null,
        last_error: null,
      })
      expect(refusalOf(await jira.as(ada, 'GET', jira.at(team, '/sites')))).toEqual([404, 'jira_not_connected'])
      expect(refusalOf(await jira.as(ada, 'DELETE', jira.at(team)))).toEqual([404, 'jira_not_connected'])
      expect(refusalOf(await jira.queues(team, ada))).toEqual([401, 'jira_not_active'])
    })

    test('selects a single site automatically, records who consented and exposes no token', async () => {
      const ada = await jira.somebody()
      const team = await jira.team(ada)
      const connected = await jira.connect(team, ada)
      const site = {
        cloud_id: ACME_SITE.id,
        name: 'acme',
        url: 'https://acme.atlassian.net',
        chosen: true,
        gone_at: null,
        scopes: ['read:jira-user', 'read:jira-work', 'read:servicedesk-request'],
      }
      expect([connected.status, connected.body]).toEqual([
        200,
        {
          team_id: team,
          status: 'active',
          sites: [site],
          missing_scopes: [],
          connected_by: ada.id,
          scopes: ['read:me', 'offline_access', 'read:jira-user', 'read:jira-work', 'read:servicedesk-request'],
          connected_at: world.clock().toISOString(),
          expires_at: new Date(world.clock().getTime() + 3_600_000).toISOString(),
          last_sync_at: world.clock().toISOString(),
          sync_status: 'ok',
          last_error: null,
        },
      ])
      expect((await jira.status(team, ada)).body).toEqual(connected.body)
      expect(await jira.told(team)).toEqual([
        { to: ada.id, event: 'jira.connected', team, handed_over: false, sites: 1 },
      ])
      // This is no sign-in: no session begins, and the Atlassian account is not linked.
      expect(listIn(await jira.as(ada, 'GET', '/me/identities')).map(({ provider }) => provider)).toEqual(['google'])
      expect(listIn(await jira.as(ada, 'GET', '/me/sessions'))).toHaveLength(1)
    })

    test('in a browser ends on the team page, or in JSON for scripts', async () => {
      const ada = await jira.somebody()
      const team = await jira.team(ada)
      const browser = world.openBrowser()
      await browser.signIn('google', ada.who)
      for (const accept of ['text/html', 'application/json']) {
        const page = await browser.ask(`${world.base}/account/teams/${team}/integrations`)
        const [, csrf = ''] = /jira\/connect"[^>]*>\s*<input[^>]*name="csrf" value="([^"]+)"/.exec(page.text) ?? []
        const sent = await browser.ask(`${world.base}/account/teams/${team}/integrations/jira/connect`, {
          method: 'POST',
          body: new URLSearchParams({ csrf }),
          headers: { origin: world.base, 'sec-fetch-site': 'same-origin' },
        })
        expect(sent.status, sent.text).toBe(303)
        const back = await world.approve(sent.headers.get('location') ?? '', ada.who)
        const ended = await browser.ask(back, { headers: { accept } })
        if (accept === 'text/html')
          expect([ended.status, ended.headers.get('location')]).toEqual([
            303,
            `/account/teams/${team}/integrations?done=jira_connected`,
          ])
        else expect(JSON.parse(ended.text)).toEqual((await jira.status(team, ada)).body)
        expect((await browser.ask(back)).status).toBe(400)
      }
    })

    test('with several sites asks which ones to use, and uses exactly those', async () => {
      const ada = await jira.somebody([ACME_SITE, GLOBEX_SITE, INITECH_SITE])
      const team = await jira.team(ada)
      expect((await jira.connect(team, ada)).body).toMatchObject({ status: 'choose_site', last_error: null })
      expect(await chosenIn(team, ada)).toEqual([])
      const choose = (...cloud_ids: string[]) => jira.as(ada, 'PUT', jira.at(team, '/sites'), { cloud_ids })
      expect(refusalOf(await choose(ACME_SITE.id, 'nobodys-site'))).toEqual([400, 'jira_site_not_found'])
      expect(refusalOf(await choose())).toEqual([400, 'invalid_request'])
      expect(await statusesOf(team, ada)).toEqual(['choose_site', 'ok', null])
      expect((await choose(ACME_SITE.id, GLOBEX_SITE.id)).status).toBe(200)
      expect(await chosenIn(team, ada)).toEqual(['acme', 'globex'])
      expect((await choose(GLOBEX_SITE.id, GLOBEX_SITE.id)).status).toBe(200)
      expect(await chosenIn(team, ada)).toEqual(['globex'])
      expect(await statusesOf(team, ada)).toEqual(['active', 'ok', null])
      expect((await jira.told(team)).slice(1)).toEqual([
        { to: ada.id, event: 'jira.sites_chosen', team, sites: 2 },
        { to: ada.id, event: 'jira.sites_chosen', team, sites: 1 },
      ])
    })

    test('reports when there is no site', async () => {
      const ada = await jira.somebody([])
      const team = await jira.team(ada)
      expect((await jira.connect(team, ada)).body).toMatchObject({ status: 'choose_site', last_error: 'no_sites' })
      expect(refusalOf(await jira.queues(team, ada))).toEqual([401, 'jira_not_active'])
    })

    test.each([
      ['is down', { kind: 'status', status: 503 }],
      ['is an HTML page', { kind: 'html' }],
      ['is not a list', { kind: 'json', body: { sites: [] } }],
      ['is null', { kind: 'null' }],
      ['is truncated', { kind: 'truncate-fin' }],
      ['is rate limited', { kind: 'status', status: 429, headers: { 'retry-after': '30' } }],
    ] as const)('is kept when the list of sites %s, and the list is read later', async (_name, what) => {
      const ada = await jira.somebody()
      const team = await jira.team(ada)
      world.sandbox.fault({ provider: 'atlassian', endpoint: 'sites' }, what)
      const connected = await jira.connect(team, ada)
      expect(connected.body).toMatchObject({ status: 'choose_site', sync_status: 'failed', last_sync_at: null })
      expect(['transient', 'rate_limited']).toContain(connected.body.last_error)
      world.calm()
      await jira.sync()
      expect(await statusesOf(team, ada)).toEqual(['choose_site', 'failed', connected.body.last_error])
      world.turn(120)
      await jira.sync()
      expect(await statusesOf(team, ada)).toEqual(['active', 'ok', null])
      expect(await chosenIn(team, ada)).toEqual(['acme'])
    })

    test('shows only Jira sites, one for each cloud ID', async () => {
      const ada = await jira.somebody()
      const team = await jira.team(ada)
      const site = (id: string, url: string, scopes = ['read:jira-work']) => ({ id, name: `${id} \u202e`, url, scopes })
      const body = [
        site('one', 'https://ONE.atlassian.net/jira?x=1#y'),
        site('one', 'https://one.atlassian.net', ['read:servicedesk-request', 'read:jira\u0000', '\u202e']),
        site('wiki', 'https://wiki.atlassian.net', ['read:confluence-content.all']),
        site('http', 'http://http.atlassian.net'),
        site('user', 'https://evil@user.atlassian.net'),
        site('script', 'javascript:alert(1)'),
        site('address', 'https://127.0.0.1'),
        site('../../me', 'https://path.atlassian.net'),
        'nonsense',
      ]
      world.sandbox.fault({ provider: 'atlassian', endpoint: 'sites' }, { kind: 'json', body })
      const { body: connected } = await jira.connect(team, ada)
      expect(connected.sites).toEqual([
        {
          cloud_id: 'one',
          name: 'one',
          url: 'https://one.atlassian.net',
          chosen: true,
          gone_at: null,
          scopes: ['read:jira-work', 'read:servicedesk-request'],
        },
      ])
      const said = world.logged.join('')
      expect(said).toContain('site_url')
      expect(said).toContain('site_shape')
      expect(said).not.toContain('evil@')
    })

    test.each([
      ['refresh token', ({ refresh_token: _, ...body }: Record<string, unknown>) => body, 'token_exchange_failed', 1],
      ['access token', ({ access_token: _, ...body }: Record<string, unknown>) => body, 'token_exchange_failed', 0],
    ] as const)('fails when Atlassian’s response has no %s', async (_name, change, code, brought) => {
      const ada = await jira.somebody()
      const team = await jira.team(ada)
      world.sandbox.fault({ provider: 'atlassian', endpoint: 'token' }, { kind: 'mutate', change })
      const before = revocations()
      expect(refusalOf(await jira.connect(team, ada))).toEqual([502, code])
      expect(await statusesOf(team, ada)).toEqual(['not_connected', null, null])
      await world.vinculum.runJob('revoke-at-provider')
      expect(revocations() - before).toBe(brought)
    })

    test('reports the permissions that were not granted', async () => {
      const ada = await jira.somebody()
      const team = await jira.team(ada)
      const change = (body: Record<string, unknown>) => ({ ...body, scope: 'read:me read:jira-work offline_access' })
      world.sandbox.fault({ provider: 'atlassian', endpoint: 'token' }, { kind: 'mutate', change })
      expect((await jira.connect(team, ada)).body.missing_scopes).toEqual([
        'read:jira-user',
        'read:servicedesk-request',
      ])
    })

    test('ends when the user denies consent at Atlassian, and changes nothing', async () => {
      const ada = await jira.somebody()
      const team = await jira.team(ada)
      const flow = await jira.begin(team, ada)
      world.sandbox.deny()
      const back = await world.approve(flow.url, ada.who)
      world.sandbox.deny(false)
      const refused = await world.finish(flow, back, { token: ada.token })
      expect(refusalOf(refused)).toEqual([400, 'access_denied'])
      expect(await statusesOf(team, ada)).toEqual(['not_connected', null, null])
    })

    test('concurrently leaves one connection', async () => {
      const [ada, grace] = [await jira.somebody(), await jira.somebody([GLOBEX_SITE])]
      const team = await jira.team(ada)
      await jira.join(team, ada, grace, 'admin')
      for (let round = 0; round < 6; round++) {
        const people = [ada, grace, ada, grace]
        const answers = await Promise.all(people.map((person) => jira.connect(team, person)))
        expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
        const { jira_integrations, grants } = await world.dump('jira_integrations', 'grants')
        const mine = grants?.filter(({ holder }) => holder === team) ?? []
        const [integration, ...more] = jira_integrations?.filter(({ team_id }) => team_id === team) ?? []
        expect([mine.length, more.length]).toEqual([1, 0])
        // The tokens of the user who connected last; never one user's integration with another user's tokens.
        expect(mine[0]?.subject).toBe(integration?.subject)
        expect((await jira.queues(team, ada)).status).toBe(200)
      }
    })
  })

  describe('permissions', () => {
    test('let owners and admins connect, choose sites and disconnect, and members read; outsiders get 404', async () => {
      const people = { owner: await jira.somebody(), admin: await jira.somebody(), member: await jira.somebody() }
      const stranger = await jira.somebody()
      const team = await jira.team(people.owner)
      await jira.join(team, people.owner, people.admin, 'admin')
      await jira.join(team, people.owner, people.member, 'member')
      await jira.connect(team, people.owner)
      const acts: readonly [string, string, object?][] = [
        ['GET', ''],
        ['GET', '/sites'],
        ['GET', '/queues'],
        ['PUT', '/sites', { cloud_ids: [ACME_SITE.id] }],
        ['POST', '/sync'],
        ['POST', '/authorize', {}],
      ]
      const asked = async (who: { token: string }) =>
        Promise.all(
          acts.map(async ([method, path, body]) => (await jira.as(who, method, jira.at(team, path), body)).status),
        )
      expect(await asked(people.owner)).toEqual([200, 200, 200, 200, 200, 200])
      expect(await asked(people.admin)).toEqual([200, 200, 200, 200, 200, 200])
      expect(await asked(people.member)).toEqual([200, 200, 200, 403, 403, 403])
      expect(await asked(stranger)).toEqual([404, 404, 404, 404, 404, 404])
      expect((await jira.as(people.member, 'DELETE', jira.at(team))).status).toBe(403)
      expect((await jira.as(stranger, 'DELETE', jira.at(team))).status).toBe(404)
      expect((await world.call('GET', jira.at(team))).status).toBe(401)
      expect((await jira.as(people.admin, 'DELETE', jira.at(team))).status).toBe(204)
    })

    test('to connect require a recent sign-in', async () => {
      const ada = await jira.somebody()
      const team = await jira.team(ada)
      world.turn(601)
      expect(refusalOf(await jira.as(ada, 'POST', jira.at(team, '/authorize'), {}))).toEqual([
        403,
        'reauthentication_required',
      ])
    })
  })

  describe('a pending authorization', () => {
    test('is finished only by the user who began it, in the same session', async () => {
      const [ada, mallory] = [await jira.somebody(), await jira.somebody([GLOBEX_SITE])]
      const [team, hers] = [await jira.team(ada), await jira.team(mallory)]
      for (const finisher of [{ token: mallory.token }, {}]) {
        const flow = await jira.begin(team, ada)
        const back = await world.approve(flow.url, ada.who)
        expect(refusalOf(await world.finish(flow, back, finisher))).toEqual([400, 'flow_mismatch'])
        expect(refusalOf(await world.finish(flow, back, { token: ada.token }))).toEqual([400, 'state_already_used'])
      }
      const again = await world.signIn('google', ada.who)
      const flow = await jira.begin(team, ada)
      const back = await world.approve(flow.url, ada.who)
      expect(refusalOf(await world.finish(flow, back, { token: again.access_token }))).toEqual([400, 'flow_mismatch'])
      // A code from one team's authorization with the state of another's.
      const [one, other] = [await jira.begin(team, ada), await jira.begin(hers, mallory)]
      const [, theirs] = [await world.approve(one.url, ada.who), await world.approve(other.url, mallory.who)]
      const mixed = new URL(theirs)
      mixed.searchParams.set('state', one.state)
      expect(refusalOf(await world.finish(one, mixed, { token: ada.token }))).toEqual([502, 'token_exchange_failed'])
      for (const [id, who] of [
        [team, ada],
        [hers, mallory],
      ] as const)
        expect(await statusesOf(id, who)).toEqual(['not_connected', null, null])
    })

    test('begun by an attacker connects no team in the victim’s browser', async () => {
      const [mallory, victim] = [await jira.somebody(), await jira.somebody()]
      const team = await jira.team(mallory)
      const browser = world.openBrowser()
      await browser.signIn('google', victim.who)
      const flow = await jira.begin(team, mallory)
      const back = await browser.ask(await world.approve(flow.url, victim.who))
      expect(back.status).toBe(400)
      expect(await statusesOf(team, mallory)).toEqual(['not_connected', null, null])
    })

    test('of a sign-in or a link connects no team, and that of a team signs nobody in', async () => {
      const ada = await jira.somebody()
      const team = await jira.team(ada)
      const login = await world.begin('atlassian')
      const response = await world.finish(login, await world.approve(login.url, ada.who))
      expect(response.body).toMatchObject({ code: 'account_conflict' })
      expect(await statusesOf(team, ada)).toEqual(['not_connected', null, null])
      expect(Object.keys((await jira.connect(team, ada)).body)).not.toContain('access_token')
      const embedded = await jira.begin(team, ada)
      const back = await world.approve(embedded.url, ada.who)
      const given = { code: back.searchParams.get('code') ?? '', state: embedded.state, flowToken: embedded.flowToken }
      expect(await world.vinculum.oauth.authenticateWithCode('atlassian', given)).toMatchObject({
        error: { code: 'flow_mismatch' },
      })
    })

    test.each(['member', 'gone'] as const)('is refused to a user who is %s when they return', async (now) => {
      const [ada, grace] = [await jira.somebody(), await jira.somebody()]
      const team = await jira.team(ada)
      await jira.join(team, ada, grace, 'admin')
      const flow = await jira.begin(team, grace)
      const back = await world.approve(flow.url, grace.who)
      const done =
        now === 'member'
          ? await jira.as(ada, 'PATCH', `/teams/${team}/members/${grace.id}`, { role: 'member' })
          : await jira.as(ada, 'DELETE', `/teams/${team}/members/${grace.id}`)
      expect(done.status, done.text).toBeLessThan(300)
      const before = revocations()
      const refused = await world.finish(flow, back, { token: grace.token })
      expect(refusalOf(refused)).toEqual(now === 'member' ? [403, 'team_role_required'] : [404, 'team_not_found'])
      expect(await statusesOf(team, ada)).toEqual(['not_connected', null, null])
      expect((await world.dump('grants')).grants?.some(({ holder }) => holder === team)).toBe(false)
      // The user did consent: that consent is revoked.
      await world.vinculum.runJob('revoke-at-provider')
      expect(revocations() - before).toBe(1)
    })

    test('of a team that was deleted in the meantime is not found', async () => {
      const ada = await jira.somebody()
      const team = await jira.team(ada)
      const flow = await jira.begin(team, ada)
      const back = await world.approve(flow.url, ada.who)
      expect((await jira.as(ada, 'DELETE', `/teams/${team}`)).status).toBe(204)
      expect(refusalOf(await world.finish(flow, back, { token: ada.token }))).toEqual([400, 'invalid_state'])
    })
  })

  describe('queues', () => {
    test('are read from every service desk of every selected site, to the last page', async () => {
      const ada = await jira.somebody([ACME_SITE, GLOBEX_SITE])
      const team = await jira.team(ada)
      await jira.connect(team, ada)
      await jira.as(ada, 'PUT', jira.at(team, '/sites'), { cloud_ids: [ACME_SITE.id, GLOBEX_SITE.id] })
      world.sandbox.switches.atlassian.pageSize = 2
      const read = await jira.queues(team, ada)
      const queuesOf = (site: typeof ACME_SITE) => ({
        cloud_id: site.id,
        name: site.name,
        url: `https://${site.name}.atlassian.net`,
        error: null,
        more: false,
        desks: site.desks.map(({ id, projectKey, projectName, queues }) => ({
          id,
          key: projectKey,
          name: projectName,
          error: null,
          queues: queues.map(({ id, name, issueCount }) => ({ id, name, issue_count: issueCount })),
        })),
      })
      expect([read.status, read.body]).toEqual([
        200,
        { read_at: world.clock().toISOString(), sites: [queuesOf(ACME_SITE), queuesOf(GLOBEX_SITE)] },
      ])
    })

    test('are read once for concurrent members, and again after the cache expires', async () => {
      const ada = await jira.somebody()
      const team = await jira.team(ada)
      await jira.connect(team, ada)
      const before = jira.calls('jira')
      const answers = await Promise.all(Array.from({ length: 12 }, () => jira.queues(team, ada)))
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
      expect((await jira.queues(team, ada)).status).toBe(200)
      // The service desks, and the queues of each of the two.
      expect(jira.calls('jira') - before).toBe(3)
      world.turn(31)
      await jira.queues(team, ada)
      expect(jira.calls('jira') - before).toBe(6)
    })

    test('that the user may not read as an agent are reported at their site, next to those that were read', async () => {
      const grace = await jira.somebody([INITECH_SITE])
      const alone = await jira.team(grace)
      await jira.connect(alone, grace)
      expect(refusalOf(await jira.queues(alone, grace))).toEqual([403, 'jira_forbidden'])

      const ada = await jira.somebody([ACME_SITE, INITECH_SITE])
      const team = await jira.team(ada)
      await jira.connect(team, ada)
      await jira.as(ada, 'PUT', jira.at(team, '/sites'), { cloud_ids: [ACME_SITE.id, INITECH_SITE.id] })
      const read = await jira.queues(team, ada)
      expect([read.status, read.body.sites]).toMatchObject([
        200,
        [
          { name: 'acme', error: null },
          { name: 'initech', desks: [], error: 'jira_forbidden' },
        ],
      ])
    })

    test('wait as long as Jira asks, and report it', async () => {
      const ada = await jira.somebody()
      const team = await jira.team(ada)
      await jira.connect(team, ada)
      const until = new Date(world.clock().getTime() + 90_000).toISOString()
      const limits = { 'x-ratelimit-reset': until, 'ratelimit-reason': 'jira-quota-global-based' }
      world.sandbox.fault(
        { provider: 'atlassian', endpoint: 'jira', times: 1 },
        { kind: 'status', status: 429, headers: limits },
      )
      const refused = await jira.queues(team, ada)
      expect(refusalOf(refused)).toEqual([429, 'provider_rate_limited'])
      expect(refused.headers.get('retry-after')).toBe('90')
      const calls = jira.calls('jira')
      expect(refusalOf(await jira.queues(team, ada))).toEqual([429, 'provider_rate_limited'])
      expect(jira.calls('jira')).toBe(calls)
      world.turn(91)
      expect((await jira.queues(team, ada)).status).toBe(200)
    })

    test('that could not be read are retried soon, but not on every page load', async () => {
      const ada = await jira.somebody()
      const team = await jira.team(ada)
      await jira.connect(team, ada)
      world.sandbox.fault({ provider: 'atlassian', endpoint: 'jira', times: 1 }, { kind: 'status', status: 403 })
      const refused = await jira.queues(team, ada)
      expect(refusalOf(refused)).toEqual([403, 'jira_forbidden'])
      const calls = jira.calls('jira')
      for (let n = 0; n < 5; n++) expect(refusalOf(await jira.queues(team, ada))).toEqual([403, 'jira_forbidden'])
      expect(jira.calls('jira')).toBe(calls)
      world.turn(5)
      expect((await jira.queues(team, ada)).status).toBe(200)
    })

    test('and sites are limited to a number of requests a minute from one IP address, across all teams', async () => {
      const { base: at } = await world.another({ RATE_LIMITS: 'on' })
      const ada = await jira.somebody()
      const teams = [await jira.team(ada), await jira.team(ada)]
      const ask = (method: string, path: string) => world.call(method, path, { token: ada.token, at })
      for (let n = 0; n < 60; n++) {
        const answer = await (n % 2
          ? ask('POST', jira.at(teams[n % 4 === 1 ? 0 : 1] ?? '', '/sync'))
          : ask('GET', jira.at(teams[n % 4 ? 0 : 1] ?? '', '/queues')))
        expect(answer.status).not.toBe(429)
      }
      const page = `/account/teams/${teams[0]}/integrations`
      const refused = [
        await ask('POST', jira.at(teams[0] ?? '', '/sync')),
        await ask('GET', jira.at(teams[1] ?? '', '/queues')),
        await ask('POST', `${page}/jira/sync`),
        await ask('GET', `${page}/jira/queues`),
      ]
      for (const answer of refused) expect(refusalOf(answer)).toEqual([429, 'rate_limited'])
      expect((await ask('GET', jira.at(teams[0] ?? ''))).status).toBe(200)
    })

    test('of one team are not delayed because another team’s site is down', async () => {
      const [ada, ben] = [await jira.somebody([ACME_SITE]), await jira.somebody([GLOBEX_SITE])]
      const [hers, his] = [await jira.team(ada), await jira.team(ben)]
      await jira.connect(hers, ada)
      await jira.connect(his, ben)
      const down = { kind: 'status', status: 503, headers: { 'retry-after': '300' } } as const
      world.sandbox.fault({ provider: 'atlassian', endpoint: 'jira', times: 1 }, down)
      expect((await jira.queues(hers, ada)).headers.get('retry-after')).toBe('300')
      expect((await jira.queues(his, ben)).status).toBe(200)
      const calls = jira.calls('jira')
      expect((await jira.queues(hers, ada)).headers.get('retry-after')).toBe('300')
      expect(jira.calls('jira')).toBe(calls)
      world.turn(301)
      expect((await jira.queues(hers, ada)).status).toBe(200)
    })

    test('name the missing permission, and spend no token refresh on it', async () => {
      const ada = await jira.somebody([{ ...ACME_SITE, scopes: ['read:jira-work', 'read:jira-user'] }])
      const team = await jira.team(ada)
      await jira.connect(team, ada)
      const tokens = jira.calls('token')
      const refused = await jira.queues(team, ada)
      expect(refusalOf(refused)).toEqual([403, 'jira_scope_missing'])
      expect(String(refused.body.detail)).toContain('read:servicedesk-request')
      expect(jira.calls('token')).toBe(tokens)
      expect((await jira.status(team, ada)).body.last_error).toBe('scopes_reduced')
    })

    test('renew a token that Jira rejects once, and continue', async () => {
      const ada = await jira.somebody()
      const team = await jira.team(ada)
      await jira.connect(team, ada)
      world.sandbox.killAccessTokens('atlassian', ada.who)
      const tokens = jira.calls('token')
      expect((await jira.queues(team, ada)).status).toBe(200)
      expect(jira.calls('token') - tokens).toBe(1)
    })

    test.each([
      ['an HTML page', { kind: 'html' }],
      ['a malformed response', { kind: 'json', body: { values: 'all' } }],
      ['nothing', { kind: 'hang' }],
      ['a server error', { kind: 'status', status: 500 }],
    ] as const)('report Jira as unavailable when it returns %s', async (_name, what) => {
      // A node that waits for less time: only without a response does a request take all of it.
      const at = what.kind === 'hang' ? (await world.another({ ATLASSIAN_BREAKER: 'timeout_ms=2000' })).base : undefined
      const ada = await jira.somebody()
      const team = await jira.team(ada)
      await jira.connect(team, ada)
      world.sandbox.fault({ provider: 'atlassian', endpoint: 'jira' }, what)
      const refused = await jira.queues(team, ada, at)
      expect(refusalOf(refused)).toEqual([503, 'provider_unavailable'])
      expect(refused.headers.get('retry-after')).toMatch(/^\d+$/)
    })

    test('of a service desk the user cannot see do not hide the others', async () => {
      const ada = await jira.somebody()
      const team = await jira.team(ada)
      await jira.connect(team, ada)
      const body = { errorMessage: 'You do not have permission.' }
      world.sandbox.fault({ provider: 'atlassian', endpoint: 'jira', nth: 2 }, { kind: 'status', status: 403, body })
      const read = await jira.queues(team, ada)
      expect(read.body.sites).toMatchObject([
        {
          error: null,
          desks: [
            { key: 'SD', queues: [], error: 'jira_forbidden' },
            { key: 'HR', error: null },
          ],
        },
      ])
    })

    test('are read up to a limit', async () => {
      const desks = Array.from({ length: 40 }, (_, n) => ({
        ...GLOBEX_SITE.desks[0],
        id: String(n + 1),
        projectKey: `D${n}`,
      }))
      const ada = await jira.somebody([{ ...GLOBEX_SITE, desks: desks as typeof GLOBEX_SITE.desks }])
      const team = await jira.team(ada)
      await jira.connect(team, ada)
      const before = jira.calls('jira')
      const read = await jira.queues(team, ada)
      expect(read.body.sites).toMatchObject([{ error: null, more: true }])
      expect(jira.calls('jira') - before).toBeLessThanOrEqual(80)
    })
  })
})
