import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Site } from '../../sandbox/identities.ts'
import { ACME_SITE, GLOBEX_SITE } from '../../sandbox/identities.ts'
import {
  type Answer,
  type AuthAnswer,
  databases,
  listIn,
  refusalOf,
  startWorld,
  type World,
} from '../support/service.ts'

describe.each(databases)('a team’s Jira, on %s', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database })
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  const jira = (team: string, rest = ''): string => `/teams/${team}/integrations/jira${rest}`
  /** Somebody signed in, who at Atlassian reaches these sites. */
  async function somebody(sites: readonly Site[] = [ACME_SITE]) {
    const who = world.newcomer({}, { atlassian: { sites: structuredClone([...sites]) } })
    const auth: AuthAnswer = await world.signIn('google', who)
    return { who, id: auth.user.id, token: auth.access_token }
  }
  type Somebody = Awaited<ReturnType<typeof somebody>>
  async function team(owner: Somebody): Promise<string> {
    const made = await world.call('POST', '/teams', { token: owner.token, body: { name: 'Support' } })
    expect(made.status, made.text).toBe(201)
    return String(made.body.id)
  }
  const begin = (team: string, { token }: Pick<Somebody, 'token'>) =>
    world.call('POST', jira(team, '/authorize'), { token, body: {} })
  async function connect(team: string, person: Somebody, as = person.who): Promise<Answer> {
    const { body, status, text } = await begin(team, person)
    expect(status, text).toBe(200)
    const back = await world.approve(String(body.authorize_url), as)
    const flow = {
      provider: 'atlassian',
      url: '',
      state: String(body.state),
      flowToken: String(body.flow_token),
    } as const
    return world.finish(flow, back, { token: person.token })
  }
  const status = async (team: string, { token }: Pick<Somebody, 'token'>) => world.call('GET', jira(team), { token })

  test('connects with its one site, which is chosen by itself, and reads its queues', async () => {
    const ada = await somebody()
    const support = await team(ada)
    expect((await status(support, ada)).body).toMatchObject({ status: 'not_connected', sites: [] })
    const connected = await connect(support, ada)
    expect(connected.status, connected.text).toBe(200)
    expect(connected.body).toMatchObject({ team_id: support, status: 'active', connected_by: ada.id })
    const read = await world.call('GET', jira(support, '/queues'), { token: ada.token })
    expect(read.status, read.text).toBe(200)
    expect(read.body).toMatchObject({ sites: [{ cloud_id: ACME_SITE.id }] })
  })

  test('asks which of several sites to use', async () => {
    const ada = await somebody([ACME_SITE, GLOBEX_SITE])
    const support = await team(ada)
    expect((await connect(support, ada)).body).toMatchObject({ status: 'choose_site' })
    expect(refusalOf(await world.call('GET', jira(support, '/queues'), { token: ada.token }))).toEqual([
      401,
      'jira_not_active',
    ])
    const chosen = await world.call('PUT', jira(support, '/sites'), {
      token: ada.token,
      body: { cloud_ids: [GLOBEX_SITE.id] },
    })
    expect(listIn(chosen).map(({ cloud_id, chosen }) => [cloud_id, chosen])).toEqual([
      [ACME_SITE.id, false],
      [GLOBEX_SITE.id, true],
    ])
  })
})
