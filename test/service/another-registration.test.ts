import { afterAll, beforeAll, expect, test } from 'vitest'
import { jiraIn } from '../support/jira.ts'
import { refusalOf, startWorld, type World } from '../support/service.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ database: 'SQLite' })
})
afterAll(() => world.stop())

test('a team’s Jira connected with a previous client registration must be connected again', async () => {
  const jira = jiraIn(world)
  const ada = await jira.somebody()
  const team = await jira.team(ada)
  await jira.connect(team, ada)
  await world.vinculum.makeAdministrator(ada.id)
  const { body: credential } = await jira.as(ada, 'POST', '/service-credentials', {
    name: 'Shop',
    scopes: ['connections:token'],
  })
  const basic = Buffer.from(`${credential.id}:${credential.secret}`).toString('base64')
  // As an operator does after creating a new client registration at Atlassian.
  const { base: at } = await world.another({ ATLASSIAN_CLIENT_ID: 'registered-again-at-atlassian' })

  const status = await world.call('GET', jira.at(team), { token: ada.token, at })
  expect(status.body).toMatchObject({ status: 'needs_reauthorization', last_error: 'invalid_grant' })
  const queues = await world.call('GET', jira.at(team, '/queues'), { token: ada.token, at })
  expect(refusalOf(queues)).toEqual([401, 'jira_not_active'])
  const lent = await world.call('POST', '/connections/token', {
    body: { team_id: team, provider: 'atlassian' },
    headers: { authorization: `Basic ${basic}` },
    at,
  })
  expect(refusalOf(lent)).toEqual([409, 'needs_reauthorization'])
})
