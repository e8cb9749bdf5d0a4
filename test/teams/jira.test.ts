import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { systemRandom } from '../../src/kernel/ids.ts'
import {
  afterSitesFailure,
  afterSitesRead,
  jiraProblem,
  jiraStatus,
  type ListedSite,
  mergeSites,
  reachable,
} from '../../src/teams/jira.ts'
import type { JiraError, JiraSite, JiraState, StoredJiraIntegration } from '../../src/teams/ports.ts'

const at = new Date('2026-05-06T07:08:09Z')
const before = new Date('2026-05-01T00:00:00Z')
const scopes = ['read:jira-work']
const found = (cloudId: string, given: Partial<ListedSite> = {}): ListedSite => ({
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

describe('Jira sites after a list was read', () => {
  test.each<[string, JiraSite[], ListedSite[], boolean, string[], string[]]>([
    ['select the only one', [], [found('a')], true, ['a'], []],
    ['select none of two', [], [found('a'), found('b')], true, [], []],
    ['keep the selection', [known('a', chosen), known('b')], [found('a'), found('b')], false, ['a'], []],
    [
      'select the only remaining one of two, none selected',
      [known('a'), known('b')],
      [found('b')],
      false,
      ['b'],
      ['site_gone'],
    ],
    ['do not replace a selected site', [known('a', chosen), known('b')], [found('b')], false, ['a'], ['site_gone']],
    [
      'select the one of a user who connects again',
      [known('a', chosen)],
      [found('b')],
      true,
      ['a', 'b'],
      ['site_gone'],
    ],
    ['report a missing site once', [known('a', { ...chosen, ...gone })], [], false, ['a'], []],
    ['restore a returned site', [known('a', { ...chosen, ...gone })], [found('a')], false, ['a'], ['site_back']],
    ['report another name', [known('a', chosen)], [found('a', { name: 'z' })], false, ['a'], ['site_renamed']],
    [
      'report another URL',
      [known('a', chosen)],
      [found('a', { url: 'https://z.example' })],
      false,
      ['a'],
      ['site_renamed'],
    ],
    ['report fewer scopes', [known('a', chosen)], [found('a', { scopes: [] })], false, ['a'], ['scopes_reduced']],
    ['do not report more scopes', [known('a', chosen)], [found('a', { scopes: [...scopes, 'x'] })], false, ['a'], []],
  ])('%s', (_name, had, list, isNewConsent, use, drift) => {
    const merged = mergeSites('team_1', had, list, at, isNewConsent)
    expect(
      merged.sites
        .filter((site) => site.chosen)
        .map(({ cloudId }) => cloudId)
        .sort(),
    ).toEqual(use)
    expect(merged.drift).toEqual(drift)
  })

  test('include missing ones with their time, except unused ones after connecting again', () => {
    const had = [known('a', { ...chosen, ...gone }), known('b', chosen), known('c')]
    const goneAt = (isNewConsent: boolean) =>
      mergeSites('team_1', had, [found('d')], at, isNewConsent).sites.map((site) => [site.cloudId, site.goneAt])
    const used = [
      ['d', null],
      ['a', before],
      ['b', at],
    ]
    expect(goneAt(true)).toEqual(used)
    expect(goneAt(false)).toEqual([...used, ['c', at]])
  })

  test('are unique, match the list in what is available, and keep every selection', () => {
    const ids = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const knowns = fc.uniqueArray(fc.record({ cloudId: ids, chosen: fc.boolean(), gone: fc.boolean() }), {
      selector: ({ cloudId }) => cloudId,
    })
    fc.assert(
      fc.property(knowns, fc.uniqueArray(ids), fc.boolean(), (had, listed, isNewConsent) => {
        const sites = had.map((one) => known(one.cloudId, { chosen: one.chosen, ...(one.gone ? gone : {}) }))
        const merged = mergeSites(
          'team_1',
          sites,
          listed.map((id) => found(id)),
          at,
          isNewConsent,
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

describe('the status of a Jira connection where', () => {
  const using: JiraState = { integration: integration(), sites: [known('a', chosen)], connectorDisabled: false }
  const failed = (lastError: JiraError): JiraState => ({
    ...using,
    integration: integration({ syncStatus: 'failed', lastError }),
  })
  test.each<[string, JiraState | undefined, Lent | undefined, string, JiraError | null]>([
    ['there is no integration', undefined, undefined, 'not_connected', null],
    ['its one site is in use', using, lent(), 'active', null],
    [
      'the last refresh failed and is retried',
      using,
      lent({ status: 'degraded', lastError: 'transient' }),
      'active',
      null,
    ],
    [
      'our client registration is invalid',
      using,
      lent({ status: 'degraded', lastError: 'client_misconfigured' }),
      'active',
      'client_misconfigured',
    ],
    ['the consent is dead', using, lent({ status: 'needs_reauthorization' }), 'needs_reauthorization', 'invalid_grant'],
    ['the consent was withdrawn', using, lent({ status: 'revoked' }), 'needs_reauthorization', 'invalid_grant'],
    [
      'the connecting member is disabled',
      { ...using, connectorDisabled: true },
      lent(),
      'needs_reauthorization',
      'connector_disabled',
    ],
    ['the connecting member left', failed('connector_left'), undefined, 'needs_reauthorization', 'connector_left'],
    ['the list could not be read', failed('rate_limited'), lent(), 'active', 'rate_limited'],
    ['no site was found', { ...using, sites: [] }, lent(), 'choose_site', 'no_sites'],
    [
      'sites were not read yet',
      { ...using, integration: integration({ lastSyncAt: null }), sites: [] },
      lent(),
      'choose_site',
      null,
    ],
    ['no site is selected', { ...using, sites: [known('a'), known('b')] }, lent(), 'choose_site', null],
    [
      'every selected site is gone',
      { ...using, sites: [known('a', { ...chosen, ...gone }), known('b')] },
      lent(),
      'choose_site',
      'sites_gone',
    ],
    [
      'one selected site is gone',
      { ...using, sites: [known('a', { ...chosen, ...gone }), known('b', chosen)] },
      lent(),
      'active',
      'sites_gone',
    ],
    [
      'the only site is gone',
      { ...using, sites: [known('a', { ...chosen, ...gone })] },
      lent(),
      'choose_site',
      'sites_gone',
    ],
    ['an unused site is gone', { ...using, sites: [known('a', gone), known('b', chosen)] }, lent(), 'active', null],
    [
      'a site has fewer scopes than granted',
      using,
      lent({ scopes: [...scopes, 'read:servicedesk-request'] }),
      'active',
      'scopes_reduced',
    ],
    [
      'scopes that belong to no site are ignored',
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

describe('the next time sites are read', () => {
  const hours = (from: Date, to: Date): number => (to.getTime() - from.getTime()) / 3_600_000

  test('is about six hours later, and never the same for all', () => {
    const next = Array.from({ length: 200 }, () =>
      hours(at, afterSitesRead('team_1', [], { at, random: systemRandom, isNewConsent: false })(undefined).nextSyncAt),
    )
    expect(Math.min(...next)).toBeGreaterThanOrEqual(6)
    expect(Math.max(...next)).toBeLessThanOrEqual(7.5)
    expect(new Set(next).size).toBeGreaterThan(100)
  })

  test('is soon after a failure, with increasing delay up to the regular interval', () => {
    let [now, state] = [at, { integration: integration({ updatedAt: before }), sites: [known('a', chosen)] }]
    const waits: number[] = []
    for (let n = 0; n < 14; n++) {
      const read = afterSitesFailure('transient', { at: now, random: () => Buffer.alloc(4), isNewConsent: false })(
        state,
      )
      waits.push(hours(now, read.nextSyncAt) * 60)
      state = { integration: integration({ ...read, updatedAt: now }), sites: [...read.sites] }
      now = read.nextSyncAt
    }
    expect(waits.slice(0, 4)).toEqual([1, 2, 4, 8])
    expect(waits.at(-1)).toBe(360)
    expect(state.integration).toMatchObject({ lastSyncAt: before, syncStatus: 'failed', lastError: 'transient' })
    expect(state.sites).toEqual([known('a', chosen)])
  })

  test('is not before Jira’s Retry-After', () => {
    const read = afterSitesFailure('rate_limited', {
      at,
      random: () => Buffer.alloc(4),
      isNewConsent: true,
      retryAfter: 290,
    })(undefined)
    expect(hours(at, read.nextSyncAt) * 3600).toBe(290)
  })

  test('is immediate after a new consent, whatever failed before', () => {
    const read = afterSitesFailure('transient', { at, random: () => Buffer.alloc(4), isNewConsent: true })({
      integration: integration({ syncStatus: 'failed', lastError: 'transient' }),
      sites: [],
    })
    expect([hours(at, read.nextSyncAt) * 60, read.lastSyncAt]).toEqual([1, null])
  })
})
