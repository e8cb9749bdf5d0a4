import { eq } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Fact } from '../../src/events/catalogue.ts'
import type { JiraSite, NewJira, ReadSites, SiteReading, TeamRole } from '../../src/teams/ports.ts'
import { type Backend, later, newcomer, newId, now, type Opened, open, origin, signedIn, tokens } from './people.ts'

/** What every store promises about teams' connections to Jira. */
export function jiraContract({ emptied }: Pick<Backend, 'emptied'>): void {
  describe('a team’s Jira', () => {
    let opened: Opened
    let store: Opened['store']
    beforeEach(async () => {
      opened = await open(await emptied())
      store = opened.store
    })
    afterEach(() => store.close())

    const leading = (role: TeamRole): boolean => role !== 'member'
    const site = (teamId: string, cloudId: string, given: Partial<JiraSite> = {}): JiraSite => ({
      teamId,
      cloudId,
      name: cloudId,
      url: `https://${cloudId}.atlassian.net`,
      scopes: ['read:jira-work'],
      chosen: false,
      foundAt: now,
      goneAt: null,
      ...given,
    })
    const reading = (sites: readonly JiraSite[], given: Partial<SiteReading> = {}): ReadSites => {
      const read = {
        sites,
        drift: [],
        lastSyncAt: now,
        syncStatus: 'ok',
        lastError: null,
        nextSyncAt: later(600),
      } as const
      return () => ({ ...read, ...given })
    }
    const connectedFact = (team: string, accountId: string): Fact => ({
      name: 'jira.connected',
      accountId,
      origin,
      data: { team, handed_over: false, sites: 1 },
    })

    /** A team with its owner, signed in. */
    async function aTeam() {
      const { account } = await newcomer(opened)
      const session = await signedIn(opened, account.id)
      const team = { id: newId('team'), name: 'Support', createdAt: now, updatedAt: now }
      expect(await store.teams.create(team, account.id, 5, [])).toBe(true)
      return { teamId: team.id, by: account.id, sessionId: session.id }
    }
    type Asker = Awaited<ReturnType<typeof aTeam>>
    const consent = (who: Asker, subject: string, given: Partial<NewJira> = {}): NewJira => ({
      ...who,
      consent: { provider: 'atlassian', issuer: 'atlassian', clientId: 'app', subject },
      subjectName: 'Ada',
      newGrantId: newId('grt'),
      tokens: (id) => tokens({ accessToken: `at ${id}` }),
      at: now,
      ...given,
    })
    const connect = (who: Asker, subject: string, sites: readonly JiraSite[], given: Partial<NewJira> = {}) =>
      store.jira.connect(consent(who, subject, given), leading, reading(sites), () => [])
    const grantsOf = ({ teamId }: Asker) => {
      const { grants } = opened.driver.tables
      return opened.driver.read(opened.driver.db.select().from(grants).where(eq(grants.holder, teamId)))
    }
    const queued = () => opened.driver.read(opened.driver.db.select().from(opened.driver.tables.revocations))

    test('is read back as it was connected, its sites sorted by name, with sealed tokens and its facts', async () => {
      const who = await aTeam()
      const sites = [site(who.teamId, 'b'), site(who.teamId, 'a', { chosen: true, goneAt: later(1) })]
      const because = () => [connectedFact(who.teamId, who.by)]
      const jira = consent(who, 'ada')
      expect(await store.jira.connect(jira, leading, reading(sites), because)).toBe('connected')
      expect(await store.jira.find(who.teamId)).toEqual({
        integration: {
          teamId: who.teamId,
          provider: 'atlassian',
          issuer: 'atlassian',
          clientId: 'app',
          subject: 'ada',
          subjectName: 'Ada',
          connectedBy: who.by,
          connectedAt: now,
          lastSyncAt: now,
          syncStatus: 'ok',
          lastError: null,
          nextSyncAt: later(600),
          updatedAt: now,
        },
        sites: [sites[1], sites[0]],
        connectorDisabled: false,
      })
      expect(opened.told.at(-1)).toEqual(connectedFact(who.teamId, who.by))
      expect(await grantsOf(who)).toMatchObject([
        { id: jira.newGrantId, accessToken: `at ${jira.newGrantId}`, fence: 1 },
      ])
      expect(await store.jira.find('team_nobody')).toBeUndefined()
    })

    test('is not changed by outsiders, by roles without permission or without a session', async () => {
      const [who, stranger] = [await aTeam(), await aTeam()]
      const asked = { ...stranger, teamId: who.teamId }
      const nobody = (): boolean => false
      const read = reading([])
      expect(await store.jira.connect(consent(asked, 'eve'), leading, read, () => [])).toBe('team_not_found')
      expect(await store.jira.connect(consent(who, 'ada'), nobody, read, () => [])).toBe('team_role_required')
      const elsewhere = consent(who, 'ada', { sessionId: stranger.sessionId })
      expect(await store.jira.connect(elsewhere, leading, read, () => [])).toBe('session_revoked')
      const late = consent(who, 'ada', { at: later(100_000) })
      expect(await store.jira.connect(late, leading, read, () => [])).toBe('session_revoked')
      expect([await store.jira.find(who.teamId), await grantsOf(who)]).toEqual([undefined, []])
      await connect(who, 'ada', [site(who.teamId, 'a')])
      const choosing = { ...asked, cloudIds: ['a'], at: now }
      expect(await store.jira.choose(choosing, leading, [])).toBe('team_not_found')
      expect(await store.jira.choose({ ...choosing, by: who.by }, nobody, [])).toBe('team_role_required')
      expect(await store.jira.disconnect({ ...asked, at: now }, leading, [])).toBe('team_not_found')
      expect(await store.jira.disconnect({ ...who, at: now }, nobody, [])).toBe('team_role_required')
      expect((await store.jira.find(who.teamId))?.sites).toEqual([site(who.teamId, 'a')])
    })

    test('keeps its row for the same consent with a higher fence, and queues another consent for revocation', async () => {
      const who = await aTeam()
      await connect(who, 'ada', [])
      const [first] = await grantsOf(who)
      await connect(who, 'ada', [], { at: later(5) })
      const [second] = await grantsOf(who)
      expect([second?.id, second?.fence, second?.consentedAt]).toEqual([first?.id, 2, later(5)])
      expect(await queued()).toEqual([])
      await connect(who, 'grace', [], { at: later(10) })
      expect(await grantsOf(who)).toMatchObject([{ subject: 'grace', fence: 1 }])
      expect(await queued()).toMatchObject([
        { subject: 'ada', grantId: first?.id, teamId: who.teamId, accountId: who.by },
      ])
    })

    test('uses exactly the selected sites, all of which must be available', async () => {
      const who = await aTeam()
      const choose = (...cloudIds: string[]) => store.jira.choose({ ...who, cloudIds, at: now }, leading, [])
      expect(await choose('a')).toBe('jira_not_connected')
      const { teamId } = who
      await connect(who, 'ada', [
        site(teamId, 'a', { chosen: true }),
        site(teamId, 'b'),
        site(teamId, 'c', { goneAt: now }),
      ])
      const chosen = async () =>
        (await store.jira.find(teamId))?.sites.flatMap((one) => (one.chosen ? [one.cloudId] : []))
      expect(await choose('b', 'c')).toBe('jira_site_not_found')
      expect(await choose('b', 'x')).toBe('jira_site_not_found')
      expect(await chosen()).toEqual(['a'])
      expect(await choose('b')).toBe('chosen')
      expect(await chosen()).toEqual(['b'])
    })

    test('is deleted with its sites and its consent, which is queued for revocation', async () => {
      const who = await aTeam()
      await connect(who, 'ada', [site(who.teamId, 'a')])
      expect(await store.jira.disconnect({ ...who, at: now }, leading, [])).toBe('disconnected')
      expect(await store.jira.disconnect({ ...who, at: now }, leading, [])).toBe('jira_not_connected')
      expect([await store.jira.find(who.teamId), await grantsOf(who)]).toEqual([undefined, []])
      expect(await queued()).toMatchObject([{ subject: 'ada', teamId: who.teamId }])
    })

    test('is due for one worker at a time, and never after the connecting member is gone', async () => {
      const [one, two] = [await aTeam(), await aTeam()]
      await connect(one, 'ada', [])
      await connect(two, 'grace', [])
      expect(await store.jira.due(10, later(599), later(900))).toEqual([])
      const taken = await Promise.all([1, 2, 3, 4].map(() => store.jira.due(1, later(600), later(900))))
      expect(
        taken
          .flat()
          .map(({ teamId }) => teamId)
          .sort(),
      ).toEqual([one.teamId, two.teamId].sort())
      await store.jira.hurry(one.teamId, later(700))
      expect((await store.jira.due(10, later(700), later(900))).map(({ teamId }) => teamId)).toEqual([one.teamId])
      await store.users.disable(one.by, later(700), [], () => connectedFact(one.teamId, one.by))
      expect(await store.jira.find(one.teamId)).toMatchObject({ connectorDisabled: true })
      expect((await store.jira.due(10, later(9000), later(9900))).map(({ teamId }) => teamId)).toEqual([two.teamId])
      await store.users.enable(one.by, later(800), [])
      expect(await store.jira.find(one.teamId)).toMatchObject({ connectorDisabled: false })
      await store.accounts.remove(two.by, later(700), [])
      expect((await store.jira.due(10, later(9000), later(9900))).map(({ teamId }) => teamId)).toEqual([one.teamId])
    })

    test('stores sites read with the current consent, and not with a previous one', async () => {
      const who = await aTeam()
      await connect(who, 'ada', [site(who.teamId, 'a')])
      const before = (await store.jira.find(who.teamId))?.integration
      if (!before) throw new Error('it was connected')
      const renamed = [site(who.teamId, 'a', { name: 'z' })]
      const drifted: Fact = {
        name: 'jira.drifted',
        accountId: who.by,
        origin,
        data: { team: who.teamId, change: 'site_renamed' },
      }
      const read = reading(renamed, { drift: ['site_renamed'], nextSyncAt: later(5) })
      expect(await store.jira.synced(before, read, later(1), (drift) => drift.map(() => drifted))).toBe(true)
      expect(opened.told.at(-1)).toEqual(drifted)
      expect((await store.jira.find(who.teamId))?.sites).toEqual(renamed)
      await connect(who, 'ada', [site(who.teamId, 'a')], { at: later(7) })
      expect(await store.jira.synced(before, read, later(8), () => [drifted])).toBe(false)
      expect((await store.jira.find(who.teamId))?.sites).toEqual([site(who.teamId, 'a')])
      await store.jira.disconnect({ ...who, at: now }, leading, [])
      expect(await store.jira.synced(before, read, later(9), () => [drifted])).toBe(false)
    })
  })
}
