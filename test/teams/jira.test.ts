import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { systemRandom } from '../../src/kernel/ids.ts'
import {
  jiraProblem,
  jiraStatus,
  mergeSites,
  reachable,
  type SiteFound,
  sitesRead,
  sitesUnread,
} from '../../src/teams/jira.ts'
import type { JiraError, JiraSite, JiraState, StoredJiraIntegration } from '../../src/teams/ports.ts'

const at = new Date('2026-05-06T07:08:09Z')
const before = new Date('2026-05-01T00:00:00Z')
const scopes = ['read:jira-work']
const found = (cloudId: string, given: Partial<SiteFound> = {}): SiteFound => ({
  cloudId,
  name: cloudId,
  url: `https://${cloudId}.atlassian.net`,
  scopes,
  ...given,
})
const known = (cloudId: string, given: Partial<JiraSite> = {}): JiraSite => ({
  teamId: 'team_1',
  ...found(cloudId),
  chosen: false,
  foundAt: before,
  goneAt: null,
  ...given,
})
const chosen = { chosen: true }
const gone = { goneAt: before }

const integration = (given: Partial<StoredJiraIntegration> = {}): StoredJiraIntegration => ({
  teamId: 'team_1',
  provider: 'atlassian',
  issuer: 'atlassian',
  clientId: 'app',
  subject: '712020:a',
  subjectName: 'Ada',
  connectedBy: 'usr_1',
  connectedAt: before,
  lastSyncAt: before,
  syncStatus: 'ok',
  lastError: null,
  nextSyncAt: at,
  updatedAt: before,
  ...given,
})
type Lent = NonNullable<Parameters<typeof jiraStatus>[1]>
const lent = (given: Partial<Lent> = {}): Lent => ({ status: 'healthy', lastError: null, scopes, ...given })

describe('the sites a list leaves behind', () => {
  test.each<[string, JiraSite[], SiteFound[], boolean, string[], string[]]>([
    ['the only one is taken', [], [found('a')], true, ['a'], []],
    ['of two none is', [], [found('a'), found('b')], true, [], []],
    ['what is chosen stays', [known('a', chosen), known('b')], [found('a'), found('b')], false, ['a'], []],
    [
      'the only one left of two, none chosen, is taken',
      [known('a'), known('b')],
      [found('b')],
      false,
      ['b'],
      ['site_gone'],
    ],
    [
      'nothing takes the place of what was chosen',
      [known('a', chosen), known('b')],
      [found('b')],
      false,
      ['a'],
      ['site_gone'],
    ],
    [
      'but who connects anew means the one they have',
      [known('a', chosen)],
      [found('b')],
      true,
      ['a', 'b'],
      ['site_gone'],
    ],
    ['what is gone already is told once', [known('a', { ...chosen, ...gone })], [], false, ['a'], []],
    ['what comes back is as it was', [known('a', { ...chosen, ...gone })], [found('a')], false, ['a'], ['site_back']],
    ['another name', [known('a', chosen)], [found('a', { name: 'z' })], false, ['a'], ['site_renamed']],
    [
      'another address',
      [known('a', chosen)],
      [found('a', { url: 'https://z.example' })],
      false,
      ['a'],
      ['site_renamed'],
    ],
    ['fewer scopes', [known('a', chosen)], [found('a', { scopes: [] })], false, ['a'], ['scopes_reduced']],
    ['more scopes', [known('a', chosen)], [found('a', { scopes: [...scopes, 'x'] })], false, ['a'], []],
  ])('%s', (_name, had, list, anew, use, drift) => {
    const merged = mergeSites('team_1', had, list, at, anew)
    expect(
      merged.sites
        .filter((site) => site.chosen)
        .map(({ cloudId }) => cloudId)
        .sort(),
    ).toEqual(use)
    expect(merged.drift).toEqual(drift)
  })

  test('hold those that are gone, since when they are, but for those nobody uses when somebody connects anew', () => {
    const had = [known('a', { ...chosen, ...gone }), known('b', chosen), known('c')]
    const goneAt = (anew: boolean) =>
      mergeSites('team_1', had, [found('d')], at, anew).sites.map((site) => [site.cloudId, site.goneAt])
    const used = [
      ['d', null],
      ['a', before],
      ['b', at],
    ]
    expect(goneAt(true)).toEqual(used)
    expect(goneAt(false)).toEqual([...used, ['c', at]])
  })

  test('are each once, reach exactly what was listed, and lose no choice', () => {
    const ids = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const knowns = fc.uniqueArray(fc.record({ cloudId: ids, chosen: fc.boolean(), gone: fc.boolean() }), {
      selector: ({ cloudId }) => cloudId,
    })
    fc.assert(
      fc.property(knowns, fc.uniqueArray(ids), fc.boolean(), (had, listed, anew) => {
        const sites = had.map((one) => known(one.cloudId, { chosen: one.chosen, ...(one.gone ? gone : {}) }))
        const merged = mergeSites(
          'team_1',
          sites,
          listed.map((id) => found(id)),
          at,
          anew,
        ).sites
        const all = merged.map(({ cloudId }) => cloudId)
        expect(new Set(all).size).toBe(all.length)
        expect(
          reachable(merged)
            .map(({ cloudId }) => cloudId)
            .sort(),
        ).toEqual([...listed].sort())
        for (const one of had.filter((site) => site.chosen))
          expect(merged.find(({ cloudId }) => cloudId === one.cloudId)?.chosen).toBe(true)
      }),
    )
  })
})

describe('how a connection is', () => {
  const using: JiraState = { integration: integration(), sites: [known('a', chosen)], connectorDisabled: false }
  const failed = (lastError: JiraError): JiraState => ({
    ...using,
    integration: integration({ syncStatus: 'failed', lastError }),
  })
  test.each<[string, JiraState | undefined, Lent | undefined, string, JiraError | null]>([
    ['no integration', undefined, undefined, 'not_connected', null],
    ['its one site in use', using, lent(), 'active', null],
    [
      'the last refresh failed, and is tried again',
      using,
      lent({ status: 'degraded', lastError: 'transient' }),
      'active',
      null,
    ],
    [
      'our registration is wrong',
      using,
      lent({ status: 'degraded', lastError: 'client_misconfigured' }),
      'active',
      'client_misconfigured',
    ],
    ['the consent is dead', using, lent({ status: 'needs_reauthorization' }), 'needs_reauthorization', 'invalid_grant'],
    ['the consent was taken back', using, lent({ status: 'revoked' }), 'needs_reauthorization', 'invalid_grant'],
    [
      'who connected is disabled',
      { ...using, connectorDisabled: true },
      lent(),
      'needs_reauthorization',
      'connector_disabled',
    ],
    ['who connected left', failed('connector_left'), undefined, 'needs_reauthorization', 'connector_left'],
    ['the list could not be read', failed('rate_limited'), lent(), 'active', 'rate_limited'],
    ['nothing was found', { ...using, sites: [] }, lent(), 'choose_site', 'no_sites'],
    [
      'nothing was looked for yet',
      { ...using, integration: integration({ lastSyncAt: null }), sites: [] },
      lent(),
      'choose_site',
      null,
    ],
    ['nothing is chosen', { ...using, sites: [known('a'), known('b')] }, lent(), 'choose_site', null],
    [
      'all that was chosen is gone',
      { ...using, sites: [known('a', { ...chosen, ...gone }), known('b')] },
      lent(),
      'choose_site',
      'sites_gone',
    ],
    [
      'one of those chosen is gone',
      { ...using, sites: [known('a', { ...chosen, ...gone }), known('b', chosen)] },
      lent(),
      'active',
      'sites_gone',
    ],
    [
      'all there was is gone',
      { ...using, sites: [known('a', { ...chosen, ...gone })] },
      lent(),
      'choose_site',
      'sites_gone',
    ],
    ['one nobody uses is gone', { ...using, sites: [known('a', gone), known('b', chosen)] }, lent(), 'active', null],
    [
      'a site gives less than was granted',
      using,
      lent({ scopes: [...scopes, 'read:servicedesk-request'] }),
      'active',
      'scopes_reduced',
    ],
    [
      'scopes that are no site’s do not count',
      using,
      lent({ scopes: [...scopes, 'read:me', 'offline_access'] }),
      'active',
      null,
    ],
  ])('%s', (_name, state, grant, status, problem) => {
    expect(jiraStatus(state, grant)).toBe(status)
    if (state) expect(jiraProblem(state, grant)).toBe(problem)
  })
})

describe('when the sites are read again', () => {
  const hours = (from: Date, to: Date): number => (to.getTime() - from.getTime()) / 3_600_000

  test('some six hours after they were, never all at once', () => {
    const next = Array.from({ length: 200 }, () =>
      hours(at, sitesRead('team_1', [], { at, random: systemRandom, anew: false })(undefined).nextSyncAt),
    )
    expect(Math.min(...next)).toBeGreaterThanOrEqual(6)
    expect(Math.max(...next)).toBeLessThanOrEqual(7.5)
    expect(new Set(next).size).toBeGreaterThan(100)
  })

  test('soon after they could not be, and ever later, but never later than that', () => {
    let [now, state] = [at, { integration: integration({ updatedAt: before }), sites: [known('a', chosen)] }]
    const waits: number[] = []
    for (let n = 0; n < 14; n++) {
      const read = sitesUnread('transient', { at: now, random: () => Buffer.alloc(4), anew: false })(state)
      waits.push(hours(now, read.nextSyncAt) * 60)
      state = { integration: integration({ ...read, updatedAt: now }), sites: [...read.sites] }
      now = read.nextSyncAt
    }
    expect(waits.slice(0, 4)).toEqual([1, 2, 4, 8])
    expect(waits.at(-1)).toBe(360)
    expect(state.integration).toMatchObject({ lastSyncAt: before, syncStatus: 'failed', lastError: 'transient' })
    expect(state.sites).toEqual([known('a', chosen)])
  })

  test('not before Jira wants to be asked', () => {
    const read = sitesUnread('rate_limited', { at, random: () => Buffer.alloc(4), anew: true, retryAfter: 290 })(
      undefined,
    )
    expect(hours(at, read.nextSyncAt) * 3600).toBe(290)
  })

  test('for a consent that was just given, as if nothing had been read or failed before', () => {
    const read = sitesUnread('transient', { at, random: () => Buffer.alloc(4), anew: true })({
      integration: integration({ syncStatus: 'failed', lastError: 'transient' }),
      sites: [],
    })
    expect([hours(at, read.nextSyncAt) * 60, read.lastSyncAt]).toEqual([1, null])
  })
})
