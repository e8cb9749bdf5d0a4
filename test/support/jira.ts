/** Users, teams and their Jira, through the service's own routes. */
import { expect } from 'vitest'
import { ACME_SITE, GLOBEX_SITE, INITECH_SITE, type Site } from '../../sandbox/providers/atlassian.ts'
import { type Answer, type Json, listIn, type World } from './service.ts'

export { ACME_SITE, GLOBEX_SITE, INITECH_SITE }

export function jiraIn(world: World) {
  const at = (team: string, rest = ''): string => `/teams/${team}/integrations/jira${rest}`

  /** A user signed in with Google, who has these sites at Atlassian. */
  async function somebody(sites: readonly Site[] = [ACME_SITE]) {
    const who = world.newcomer({}, { atlassian: { sites: structuredClone([...sites]) } })
    const { user, access_token: token } = await world.signIn('google', who)
    return { who, id: user.id, token, email: world.emailOf(who) }
  }
  type Somebody = Awaited<ReturnType<typeof somebody>>

  const as = ({ token }: Pick<Somebody, 'token'>, method: string, path: string, body?: object): Promise<Answer> =>
    world.call(method, path, { token, ...(body ? { body } : {}) })

  async function team(owner: Somebody): Promise<string> {
    const made = await as(owner, 'POST', '/teams', { name: 'Support' })
    expect(made.status, made.text).toBe(201)
    return String(made.body.id)
  }
  async function join(team: string, owner: Somebody, one: Somebody, role: 'owner' | 'admin' | 'member') {
    expect((await as(owner, 'POST', `/teams/${team}/invitations`, { email: one.email, role })).status).toBe(201)
    // Other messages may have been sent at the same moment.
    const letters = await world.mailTo(one.email)
    const [ticket] = letters.flatMap(({ text }) => /\/invitation\?ticket=([\w-]{43})\s/.exec(text)?.slice(1) ?? [])
    expect(ticket, letters.map(({ subject }) => subject).join()).toBeDefined()
    expect((await as(one, 'POST', '/invitations/accept', { token: ticket })).status).toBe(200)
  }

  /** A connection begun by an app: where to send the user, and the parameters to finish it with. */
  async function begin(team: string, person: Pick<Somebody, 'token'>) {
    const { status, body, text } = await as(person, 'POST', at(team, '/authorize'), {})
    expect(status, text).toBe(200)
    const flow = { state: String(body.state), flowToken: String(body.flow_token) }
    return { provider: 'atlassian' as const, url: String(body.authorize_url), ...flow }
  }
  /** The whole connection through an app; `at` Atlassian the user is `who`. */
  async function connect(team: string, person: Somebody, who = person.who): Promise<Answer> {
    const flow = await begin(team, person)
    return world.finish(flow, await world.approve(flow.url, who), { token: person.token })
  }
  const status = (team: string, person: Pick<Somebody, 'token'>): Promise<Answer> => as(person, 'GET', at(team))
  const sites = async (team: string, person: Pick<Somebody, 'token'>) =>
    listIn(await as(person, 'GET', at(team, '/sites')))
  /** From the first node, unless another one is given. */
  const queues = (team: string, { token }: Pick<Somebody, 'token'>, node = world.base): Promise<Answer> =>
    world.call('GET', at(team, '/queues'), { token, at: node })

  /** The sites of a user at Atlassian, which tests change. */
  function siteOf({ who }: Somebody, site: Site): Site {
    const found = world.sandbox.identities.get(who)?.atlassian?.sites.find(({ id }) => id === site.id)
    if (!found) throw new Error(`${who} has no site ${site.name}`)
    return found
  }
  /** The audit entries about a team's Jira, oldest first: the account and the event. */
  const told = async (team: string): Promise<readonly Json[]> =>
    (await world.trail())
      .map(({ account_id: to, event, data }) => ({
        to,
        event,
        ...((typeof data === 'string' ? JSON.parse(data) : data) as Json),
      }))
      .filter(
        (row) => row.event !== undefined && String(row.event).startsWith('jira.') && 'team' in row && row.team === team,
      )
  /** The calls the sandbox received for Jira, by endpoint. */
  const calls = (endpoint: 'sites' | 'jira' | 'token'): number =>
    world.sandbox.journal.calls('atlassian', endpoint).length
  const sync = () => world.vinculum.runJob('sync-jira-sites')

  return { at, somebody, as, team, join, begin, connect, status, sites, queues, siteOf, told, calls, sync }
}
export type Jira = ReturnType<typeof jiraIn>
