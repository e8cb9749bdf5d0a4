import { describe, expect, test } from 'vitest'
import { inspectConfig, readConfig } from '../../src/config.ts'
import { slack } from '../../src/providers/definitions/slack.ts'
import type { ProviderSettings } from '../../src/providers/provider.ts'

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
