import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ACME_SITE, GLOBEX_SITE, INITECH_SITE, type Jira, jiraIn } from '../support/jira.ts'
import { aboveStore, refusalOf, startWorld, type World } from '../support/service.ts'

const hours = 3600

describe.each(aboveStore('SQLite'))('the life of a team’s Jira connection, on %s', (database) => {
  let world: World
  let jira: Jira
  beforeAll(async () => {
    world = await startWorld({ database })
    jira = jiraIn(world)
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  type Somebody = Awaited<ReturnType<Jira['somebody']>>
  /** Past the longest time until the sites are read again. */
  const nextSync = async () => {
    world.turn(8 * hours)
    await jira.sync()
  }
  /** Signed in again: after all that time, the request requires it. */
  const again = async (one: Somebody): Promise<Somebody> => ({
    ...one,
    token: (await world.signIn('google', one.who)).access_token,
  })
  const seen = async (team: string, who: Somebody) => {
    const { body } = await jira.status(team, await again(who))
    return [body.status, body.last_error]
  }
  /** A team whose creator has these sites, all of them selected. */
  async function connected(...sites: (typeof ACME_SITE)[]) {
    const ada = await jira.somebody(sites)
    const team = await jira.team(ada)
    await jira.connect(team, ada)
    const cloud_ids = sites.map(({ id }) => id)
    expect((await jira.as(ada, 'PUT', jira.at(team, '/sites'), { cloud_ids })).status).toBe(200)
    return { ada, team }
  }
  const drift = async (team: string) =>
    (await jira.told(team)).filter(({ event }) => event === 'jira.drifted').map(({ change }) => change)
  const grantsOf = async (team: string) =>
    ((await world.dump('grants')).grants ?? []).filter(({ holder }) => holder === team)
  const queued = async (team: string) =>
    ((await world.dump('revocations')).revocations ?? []).filter(({ team_id }) => team_id === team)
  const noticesTo = async ({ email }: Somebody) =>
    (await world.mailTo(email)).filter(({ subject }) => subject.includes('Jira'))

  describe('sites', () => {
    test('that disappear are reported, and return unchanged', async () => {
      const { ada, team } = await connected(ACME_SITE, GLOBEX_SITE)
      jira.siteOf(ada, ACME_SITE).gone = true
      expect(await seen(team, ada)).toEqual(['active', null])
      await nextSync()
      expect(await seen(team, ada)).toEqual(['active', 'sites_gone'])
      const later = await again(ada)
      const [acme] = await jira.sites(team, later)
      expect(acme).toMatchObject({ name: 'acme', chosen: true, gone_at: expect.any(String) })
      const chosen = await jira.as(later, 'PUT', jira.at(team, '/sites'), { cloud_ids: [ACME_SITE.id] })
      expect(refusalOf(chosen)).toEqual([400, 'jira_site_not_found'])
      expect((await jira.queues(team, later)).body.sites).toMatchObject([{ name: 'globex' }])

      await nextSync()
      jira.siteOf(ada, ACME_SITE).gone = false
      await nextSync()
      expect(await seen(team, ada)).toEqual(['active', null])
      expect(await drift(team)).toEqual(['site_gone', 'site_back'])
    })

    test('are not replaced automatically when the one in use disappears', async () => {
      const ada = await jira.somebody([ACME_SITE, GLOBEX_SITE])
      const team = await jira.team(ada)
      await jira.connect(team, ada)
      await jira.as(ada, 'PUT', jira.at(team, '/sites'), { cloud_ids: [ACME_SITE.id] })
      jira.siteOf(ada, ACME_SITE).gone = true
      await nextSync()
      expect(await seen(team, ada)).toEqual(['choose_site', 'sites_gone'])
      expect(refusalOf(await jira.queues(team, await again(ada)))).toEqual([401, 'jira_not_active'])
    })

    test('that are renamed get their new name and URL, and stay in use', async () => {
      const { ada, team } = await connected(ACME_SITE)
      jira.siteOf(ada, ACME_SITE).name = 'acme-renamed'
      await nextSync()
      const later = await again(ada)
      expect(await jira.sites(team, later)).toMatchObject([
        { name: 'acme-renamed', url: 'https://acme-renamed.atlassian.net', chosen: true, gone_at: null },
      ])
      expect(await drift(team)).toEqual(['site_renamed'])
    })

    test('that grant fewer scopes than before are reported', async () => {
      const { ada, team } = await connected(ACME_SITE)
      jira.siteOf(ada, ACME_SITE).scopes = ['read:jira-work', 'read:jira-user']
      await nextSync()
      expect(await seen(team, ada)).toEqual(['active', 'scopes_reduced'])
      expect(await drift(team)).toEqual(['scopes_reduced'])
      await nextSync()
      expect(await seen(team, ada)).toEqual(['active', 'scopes_reduced'])
      expect(await drift(team)).toEqual(['scopes_reduced'])
    })

    test('that stop responding are checked again soon, not hours later', async () => {
      const { ada, team } = await connected(ACME_SITE)
      jira.siteOf(ada, ACME_SITE).gone = true
      expect(refusalOf(await jira.queues(team, ada))).toEqual([401, 'jira_not_active'])
      await jira.sync()
      expect(await seen(team, ada)).toEqual(['choose_site', 'sites_gone'])
    })

    test('are read again on request, and a list that cannot be read changes nothing', async () => {
      const { ada, team } = await connected(ACME_SITE, GLOBEX_SITE)
      const before = await jira.sites(team, ada)
      world.sandbox.fault({ provider: 'atlassian', endpoint: 'sites' }, { kind: 'html' })
      const failed = await jira.as(ada, 'POST', jira.at(team, '/sync'))
      expect(failed.body).toMatchObject({ status: 'active', sync_status: 'failed', last_error: 'transient' })
      expect(await jira.sites(team, ada)).toEqual(before)
      world.calm()
      const read = await jira.as(ada, 'POST', jira.at(team, '/sync'))
      expect(read.body).toMatchObject({ status: 'active', sync_status: 'ok', last_error: null })
    })

    test('of a team that cannot be read do not delay other teams, and are retried with increasing delay', async () => {
      const { ada, team } = await connected(ACME_SITE)
      const other = await connected(GLOBEX_SITE)
      world.turn(8 * hours)
      // The first request gets no response, which must not affect the other team.
      world.sandbox.fault({ provider: 'atlassian', endpoint: 'sites', nth: 1 }, { kind: 'status', status: 404 })
      const calls = jira.calls('sites')
      await jira.sync()
      expect(jira.calls('sites')).toBeGreaterThan(calls + 1)
      const statuses = [await seen(team, ada), await seen(other.team, other.ada)].map(([, error]) => error)
      expect(statuses.filter((error) => error === 'transient').length).toBeLessThanOrEqual(1)
      expect(statuses).toContain(null)
      await jira.sync()
      world.turn(120)
      await jira.sync()
      expect([await seen(team, ada), await seen(other.team, other.ada)]).toEqual([
        ['active', null],
        ['active', null],
      ])
    })
  })

  describe('a consent', () => {
    test('that expired is reported to owners and admins once, checked once and renewed by connecting again', async () => {
      const ada = await jira.somebody([ACME_SITE, GLOBEX_SITE])
      const [grace, member] = [await jira.somebody(), await jira.somebody()]
      const team = await jira.team(ada)
      await jira.join(team, ada, grace, 'admin')
      await jira.join(team, ada, member, 'member')
      await jira.connect(team, ada)
      await jira.as(ada, 'PUT', jira.at(team, '/sites'), { cloud_ids: [GLOBEX_SITE.id] })
      world.sandbox.killRefreshTokens('atlassian', ada.who)
      world.sandbox.killAccessTokens('atlassian', ada.who)
      const refused = () => world.sandbox.journal.calls('atlassian', 'token').filter(({ status }) => status === 403)
      const before = refused().length
      for (let n = 0; n < 3; n++) expect(refusalOf(await jira.queues(team, member))).toEqual([401, 'jira_not_active'])
      await nextSync()
      expect(refused().length - before).toBe(1)
      expect(await seen(team, ada)).toEqual(['needs_reauthorization', 'invalid_grant'])
      const notices = (await jira.told(team)).filter(({ event }) => event === 'jira.needs_reauthorization')
      expect(notices.map(({ to, reason }) => [to, reason]).sort()).toEqual(
        [
          [ada.id, 'invalid_grant'],
          [grace.id, 'invalid_grant'],
        ].sort(),
      )
      expect([(await noticesTo(ada)).length, (await noticesTo(grace)).length]).toEqual([1, 1])
      expect(await noticesTo(member)).toEqual([])

      const later = await again(ada)
      const reconnected = await jira.connect(team, later)
      expect(reconnected.body).toMatchObject({ status: 'active', last_error: null, sync_status: 'ok' })
      // The previous selection is still in use.
      expect((await jira.queues(team, later)).body.sites).toMatchObject([{ name: 'globex' }])
      expect(await grantsOf(team)).toHaveLength(1)
    })

    test('is renewed ahead of expiry, so that queues can be read hours later', async () => {
      const { ada, team } = await connected(ACME_SITE)
      world.turn(5 * hours)
      expect((await jira.queues(team, await again(ada))).status).toBe(200)
    })

    test('is replaced when another admin connects: the new one is used, the old one is revoked, and the sites are kept', async () => {
      const ada = await jira.somebody([ACME_SITE, GLOBEX_SITE, INITECH_SITE])
      const grace = await jira.somebody([GLOBEX_SITE, ACME_SITE])
      const team = await jira.team(ada)
      await jira.join(team, ada, grace, 'admin')
      await jira.connect(team, ada)
      await jira.as(ada, 'PUT', jira.at(team, '/sites'), { cloud_ids: [GLOBEX_SITE.id, INITECH_SITE.id] })
      const [before] = await grantsOf(team)
      const handed = await jira.connect(team, grace)
      expect(handed.body).toMatchObject({ status: 'active', connected_by: grace.id, last_error: 'sites_gone' })
      expect(
        (await jira.sites(team, grace)).map(({ name, chosen, gone_at }) => [name, chosen, gone_at === null]),
      ).toEqual([
        ['acme', false, true],
        ['globex', true, true],
        ['initech', true, false],
      ])
      const [after, ...more] = await grantsOf(team)
      expect(more).toEqual([])
      expect(after?.subject).not.toBe(before?.subject)
      expect((await jira.told(team)).at(-1)).toMatchObject({ to: grace.id, event: 'jira.connected', handed_over: true })
      await world.vinculum.runJob('revoke-at-provider')
      expect(await queued(team)).toEqual([])
      const revoked = (await world.trail()).filter(({ event }) => event === 'provider_token.revoked').at(-1)
      expect(revoked?.account_id).toBe(ada.id)
    })

    test('survives the end of the user’s own sign-in with the same Atlassian account', async () => {
      const ada = await jira.somebody()
      const team = await jira.team(ada)
      const linked = await world.enter('atlassian', ada.who, { intent: 'link', token: ada.token })
      expect(linked.status, linked.text).toBe(200)
      await jira.connect(team, ada)
      const identities = JSON.parse((await jira.as(ada, 'GET', '/me/identities')).text) as {
        id: string
        provider: string
      }[]
      const identity = identities.find(({ provider }) => provider === 'atlassian')?.id
      expect((await jira.as(ada, 'DELETE', `/me/identities/${identity}`)).status).toBe(204)
      await world.vinculum.runJob('revoke-at-provider')
      expect((await jira.queues(team, ada)).status).toBe(200)
    })
  })

  describe('when the member who connected the team', () => {
    async function crew() {
      const [owner, ada] = [await jira.somebody([GLOBEX_SITE]), await jira.somebody([ACME_SITE, GLOBEX_SITE])]
      const member = await jira.somebody()
      const team = await jira.team(owner)
      await jira.join(team, owner, ada, 'admin')
      await jira.join(team, owner, member, 'member')
      await jira.connect(team, ada)
      await jira.as(ada, 'PUT', jira.at(team, '/sites'), { cloud_ids: [GLOBEX_SITE.id] })
      return { owner, ada, member, team }
    }
    const left = async ({ team, owner }: Awaited<ReturnType<typeof crew>>) => {
      const { body } = await jira.status(team, owner)
      expect([body.status, body.last_error, body.connected_by]).toEqual([
        'needs_reauthorization',
        'connector_left',
        null,
      ])
      expect(await jira.sites(team, owner)).toMatchObject([
        { name: 'acme', chosen: false },
        { name: 'globex', chosen: true },
      ])
      expect(await grantsOf(team)).toEqual([])
      expect(refusalOf(await jira.queues(team, owner))).toEqual([401, 'jira_not_active'])
      const notices = (await jira.told(team)).filter(({ event }) => event === 'jira.needs_reauthorization')
      expect(notices).toEqual([{ to: owner.id, event: 'jira.needs_reauthorization', team, reason: 'connector_left' }])
      await nextSync()
      const later = await again(owner)
      expect((await jira.status(team, later)).body.last_error).toBe('connector_left')
      expect((await jira.connect(team, later)).body).toMatchObject({ status: 'active', connected_by: owner.id })
      expect((await jira.queues(team, later)).body.sites).toMatchObject([{ name: 'globex' }])
    }

    test('leaves, their consent is revoked, the sites stay, the others are notified and one of them can take over', async () => {
      const all = await crew()
      expect((await jira.as(all.ada, 'DELETE', `/teams/${all.team}/members/${all.ada.id}`)).status).toBe(204)
      expect(await queued(all.team)).toHaveLength(1)
      await left(all)
    })

    test('is removed from the team, the same happens', async () => {
      const all = await crew()
      expect((await jira.as(all.owner, 'DELETE', `/teams/${all.team}/members/${all.ada.id}`)).status).toBe(204)
      await left(all)
    })

    test('deletes their account, the same happens, and none of their data is left in the team', async () => {
      const all = await crew()
      expect((await jira.as(all.ada, 'DELETE', '/me')).status).toBe(204)
      await world.vinculum.runJob('revoke-at-provider')
      const revoked = (await world.trail()).filter(({ event }) => event === 'provider_token.revoked')
      expect(revoked.some(({ account_id: whose }) => whose === all.ada.id)).toBe(true)
      await left(all)
    })

    const administer = async ({ id }: Somebody, what: 'disable' | 'enable') => {
      const administrator = await jira.somebody()
      await world.vinculum.makeAdministrator(administrator.id)
      const done = await jira.as(await again(administrator), 'POST', `/users/${id}/${what}`)
      expect(done.status, done.text).toBe(200)
    }

    test('is disabled, nothing is requested on their behalf and the others are notified, until they are enabled again', async () => {
      const { owner, ada, member, team } = await crew()
      expect((await jira.queues(team, owner)).status).toBe(200)
      const asked = () => [jira.calls('sites'), jira.calls('jira')]
      await administer(ada, 'disable')
      const before = asked()
      const { body } = await jira.status(team, owner)
      expect(body).toMatchObject({
        status: 'needs_reauthorization',
        last_error: 'connector_disabled',
        connected_by: ada.id,
      })
      expect(refusalOf(await jira.queues(team, member))).toEqual([401, 'jira_not_active'])
      expect((await jira.as(owner, 'POST', jira.at(team, '/sync'))).body.last_error).toBe('connector_disabled')
      expect(asked()).toEqual(before)
      await nextSync()
      expect((await jira.status(team, await again(owner))).body.last_sync_at).toBe(body.last_sync_at)
      const notices = (await jira.told(team)).filter(({ event }) => event === 'jira.needs_reauthorization')
      expect(notices).toEqual([
        { to: owner.id, event: 'jira.needs_reauthorization', team, reason: 'connector_disabled' },
      ])
      const [message] = await noticesTo(owner)
      expect(message?.text).toContain('was disabled')
      expect([await grantsOf(team), await queued(team)]).toMatchObject([[{ holder: team }], []])

      await administer(ada, 'enable')
      await jira.sync()
      const later = await again(owner)
      expect((await jira.status(team, later)).body).toMatchObject({ status: 'active', last_error: null })
      expect((await jira.queues(team, later)).body.sites).toMatchObject([{ name: 'globex' }])
    })

    test('is disabled and another member takes over, the new consent is used from then on', async () => {
      const { owner, ada, team } = await crew()
      await administer(ada, 'disable')
      expect((await jira.connect(team, owner)).body).toMatchObject({ status: 'active', connected_by: owner.id })
      expect((await jira.queues(team, owner)).body.sites).toMatchObject([{ name: 'globex' }])
    })

    test('becomes a plain member, the connection stays', async () => {
      const { team, owner, ada } = await crew()
      expect((await jira.as(owner, 'PATCH', `/teams/${team}/members/${ada.id}`, { role: 'member' })).status).toBe(200)
      expect((await jira.status(team, owner)).body).toMatchObject({ status: 'active', connected_by: ada.id })
    })

    test('leaves while another member connects, exactly one consent remains, from a current member', async () => {
      for (let round = 0; round < 6; round++) {
        const { team, owner, ada } = await crew()
        const flow = await jira.begin(team, owner)
        const back = await world.approve(flow.url, owner.who)
        const [connected, gone] = await Promise.all([
          world.finish(flow, back, { token: owner.token }),
          round % 2 === 0
            ? jira.as(ada, 'DELETE', '/me')
            : jira.as(owner, 'DELETE', `/teams/${team}/members/${ada.id}`),
        ])
        expect([connected.status, gone.status]).toEqual([200, 204])
        expect((await jira.status(team, owner)).body).toMatchObject({ status: 'active', connected_by: owner.id })
        expect(await grantsOf(team)).toHaveLength(1)
      }
    })
  })

  describe('disconnecting', () => {
    test('deletes the connection, its sites and its consent, and queues the revocation at Atlassian', async () => {
      const { ada, team } = await connected(ACME_SITE)
      expect((await jira.as(ada, 'DELETE', jira.at(team))).status).toBe(204)
      expect((await jira.status(team, ada)).body).toMatchObject({ status: 'not_connected', sites: [] })
      expect(await grantsOf(team)).toEqual([])
      const { jira_sites = [] } = await world.dump('jira_sites')
      expect(jira_sites.filter(({ team_id }) => team_id === team)).toEqual([])
      expect((await jira.told(team)).at(-1)).toEqual({ to: ada.id, event: 'jira.disconnected', team, reason: 'asked' })
      await world.vinculum.runJob('revoke-at-provider')
      expect(await queued(team)).toEqual([])
      expect((await jira.connect(team, ada)).body).toMatchObject({ status: 'active' })
    })

    test('concurrently with connecting leaves a whole connection or none', async () => {
      const { ada, team } = await connected(ACME_SITE)
      for (let round = 0; round < 8; round++) {
        const flow = await jira.begin(team, ada)
        const back = await world.approve(flow.url, ada.who)
        const [finished, ended] = await Promise.all([
          world.finish(flow, back, { token: ada.token }),
          jira.as(ada, 'DELETE', jira.at(team)),
        ])
        expect(finished.status).toBe(200)
        expect([204, 404]).toContain(ended.status)
        const { body } = await jira.status(team, ada)
        expect(await grantsOf(team)).toHaveLength(body.status === 'not_connected' ? 0 : 1)
        if (body.status !== 'not_connected') expect((await jira.queues(team, ada)).status).toBe(200)
      }
    })

    test('happens when the team is deleted', async () => {
      const { ada, team } = await connected(ACME_SITE)
      expect((await jira.as(ada, 'DELETE', `/teams/${team}`)).status).toBe(204)
      expect(await grantsOf(team)).toEqual([])
      const { jira_integrations = [], jira_sites = [] } = await world.dump('jira_integrations', 'jira_sites')
      expect([...jira_integrations, ...jira_sites].filter(({ team_id }) => team_id === team)).toEqual([])
    })
  })
})

describe('without Atlassian configured', () => {
  test('no Jira can be connected', async () => {
    const world = await startWorld({ env: { OAUTH_ENABLED_PROVIDERS: 'google' } })
    try {
      const jira = jiraIn(world)
      const ada = await jira.somebody()
      const team = await jira.team(ada)
      for (const [method, path] of [
        ['GET', ''],
        ['GET', '/sites'],
        ['GET', '/queues'],
        ['POST', '/authorize'],
      ] as const)
        expect(refusalOf(await jira.as(ada, method, jira.at(team, path)))).toEqual([404, 'jira_not_available'])
    } finally {
      await world.stop()
    }
  })
})
