import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { pictureOf } from '../../sandbox/openid-kind.ts'
import { TEAMS } from '../../sandbox/providers/slack.ts'
import { inspectConfig, readConfig } from '../../src/config.ts'
import { slack } from '../../src/providers/definitions/slack.ts'
import type { ProviderSettings } from '../../src/providers/provider.ts'
import { providerContract, standardClaims } from './contract.ts'
import { enter, named, startWorld, type TestWorld } from './fixture.ts'

providerContract('slack', { ...standardClaims(pictureOf, { team: TEAMS.acme }), authenticatesRevocation: false })

const env = { SLACK_CLIENT_ID: 'client', SLACK_CLIENT_SECRET: 's3cret-of-sixteen' }

describe('SLACK_TEAMS', () => {
  test('is a list of workspace IDs', () => {
    expect(readConfig({ ...env, SLACK_TEAMS: 'T0123ABCD, T0456EFGH T0123ABCD' }).providers).toMatchObject([
      { teams: ['T0123ABCD', 'T0456EFGH'] },
    ])
  })
  test.each(['acme', 'acme.slack.com', 't0123abcd', ',', '*'])('with %s is rejected', (text) => {
    expect(inspectConfig({ ...env, SLACK_TEAMS: text }).faults).toEqual([expect.stringMatching(/^SLACK_TEAMS: must/)])
  })
  test('with one workspace sends people there at once', () => {
    const asking = { intent: 'login' } as const
    expect(slack.ask?.(asking, { teams: ['T0123ABCD'] } as unknown as ProviderSettings)).toEqual({ team: 'T0123ABCD' })
    expect(slack.ask?.(asking, { teams: ['T1AA', 'T2BB'] } as unknown as ProviderSettings)).toEqual({})
  })
})

test.each([
  ['T0123ABCD', { team: 'T0123ABCD' }],
  [7, {}],
  [undefined, {}],
])('the workspace of Slack’s claims is text: %s', (team, expected) => {
  const claims = slack.claims({ id: '', _json: { sub: 'U1', 'https://slack.com/team_id': team } }, {} as never)
  expect(claims).toMatchObject({ subject: 'U1', ...expected })
  if (!('team' in expected)) expect(claims).not.toHaveProperty('team')
})

describe('Slack', () => {
  let world: TestWorld
  beforeAll(async () => {
    world = await startWorld()
  })
  afterEach(() => world.reset())
  afterAll(() => world.close())
  const open = (teams?: readonly string[]) => {
    const change = (one: ProviderSettings) => (one.kind === 'slack' && teams ? { ...one, teams } : one)
    const { providers } = world.open({}, change)
    return { providers, provider: named(providers, 'slack') }
  }

  test('admits only members of the workspaces that the operator lists', async () => {
    const { providers, provider } = open([TEAMS.acme])
    const ada = await enter(world.sandbox, providers, provider, 'ada')
    expect(providers.admits(provider, ada.claims)).toMatchObject({ ok: true })
    const grace = await enter(world.sandbox, providers, provider, 'grace')
    expect(providers.admits(provider, grace.claims)).toMatchObject({ error: { code: 'sign_in_restricted' } })
  })

  test.each([
    ['UserInfo names another workspace', (body: object) => ({ ...body, 'https://slack.com/team_id': TEAMS.acme })],
    ['UserInfo repeats the claim under another name', (body: object) => ({ ...body, team: TEAMS.acme })],
  ])('takes the workspace from the id_token, although %s', async (_name, change) => {
    const { providers, provider } = open([TEAMS.acme])
    world.sandbox.fault({ provider: 'slack', endpoint: 'userinfo' }, { kind: 'mutate', change })
    const { claims } = await enter(world.sandbox, providers, provider, 'grace')
    expect(claims.team).toBe(TEAMS.globex)
    expect(providers.admits(provider, claims)).toMatchObject({ error: { code: 'sign_in_restricted' } })
  })

  test('admits nobody without a workspace', async () => {
    const { providers, provider } = open([TEAMS.acme])
    world.sandbox.fault(
      { provider: 'slack', endpoint: 'token' },
      { kind: 'id-token', claims: { 'https://slack.com/team_id': null } },
    )
    const { claims } = await enter(world.sandbox, providers, provider, 'ada')
    expect(claims).not.toHaveProperty('team')
    expect(providers.admits(provider, claims)).toMatchObject({ error: { code: 'sign_in_restricted' } })
  })

  test('refreshes only with token rotation', async () => {
    const { providers, provider } = open()
    expect((await enter(world.sandbox, providers, provider)).exchanged.tokens).toMatchObject({
      refreshToken: null,
      expiresAt: null,
    })
    world.sandbox.switches.slack.tokenRotation = true
    const { refreshToken } = (await enter(world.sandbox, providers, provider)).exchanged.tokens
    expect(await providers.refresh(provider, String(refreshToken))).toMatchObject({ tag: 'refreshed' })
    expect(await providers.refresh(provider, String(refreshToken))).toEqual({
      tag: 'needs_reauthorization',
      reason: 'invalid_refresh_token',
    })
  })

  test.each([
    ['bad_client_secret', 'client_config'],
    ['account_inactive', 'needs_reauthorization'],
    ['internal_error', 'transient'],
    ['ratelimited', 'transient'],
    ['unheard_of', 'client_config'],
  ])('that refuses a refresh with %s and status 200 is classified', async (error, tag) => {
    const { providers, provider } = open()
    world.sandbox.fault({ provider: 'slack', endpoint: 'token' }, { kind: 'json', body: { ok: false, error } })
    expect(await providers.refresh(provider, 'xoxe-1-x')).toMatchObject({ tag, reason: error })
  })

  test.each([
    ['token_revoked', 'revoked'],
    ['internal_error', 'transient'],
  ])('that answers a revocation with %s is understood', async (error, tag) => {
    const { providers, provider } = open()
    const { exchanged } = await enter(world.sandbox, providers, provider)
    world.sandbox.fault({ provider: 'slack', endpoint: 'revoke' }, { kind: 'json', body: { ok: false, error } })
    expect(await providers.revoke(provider, exchanged.tokens)).toMatchObject({ tag })
  })
})
