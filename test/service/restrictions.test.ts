/** Sign-in restrictions: the same rule on every path that returns from a provider. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { jiraIn } from '../support/jira.ts'
import { aboveStore, type Json, listIn, refusalOf, startWorld, type World } from '../support/service.ts'

const restrictions = {
  GOOGLE_HOSTED_DOMAINS: 'corp.example',
  GITHUB_ORGANIZATIONS: 'acme, globex',
  ATLASSIAN_EMAIL_DOMAINS: 'corp.example',
  ACME_EMAIL_DOMAINS: 'corp.example, xn--bcher-kva.example',
}

describe.each(aboveStore('SQLite'))('sign-in restrictions, on %s', (database) => {
  let world: World
  let open: Awaited<ReturnType<World['another']>>
  beforeAll(async () => {
    world = await startWorld({ database, env: restrictions })
    // A node without restrictions: GitHub and the others admit every user there.
    open = await world.another(Object.fromEntries(Object.keys(restrictions).map((name) => [name, ''])))
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  let people = 0
  const address = (domain: string): string => `somebody-${++people}@${domain}`
  const member = { github: { organizations: [{ login: 'Acme', state: 'active' as const }] } }
  const hosted = { google: { hd: 'corp.example' } }
  /** The audit entries of refused sign-ins with this code, newest first. */
  const refused = async (code: string): Promise<readonly Json[]> =>
    (await world.trail())
      .filter(({ event, data }) => event === 'authentication.failed' && String(JSON.stringify(data)).includes(code))
      .toReversed()

  test.each([
    ['google', { google: { hd: 'corp.example' } }, 'example.com', 200],
    ['google', { google: { hd: 'example.com' } }, 'corp.example', 403],
    ['google', { google: { hd: undefined } }, 'corp.example', 403],
    ['github', member, 'example.com', 200],
    ['github', {}, 'example.com', 403],
    ['acme', {}, 'corp.example', 200],
    ['acme', {}, 'bücher.example', 200],
    ['acme', { oidc: { email_verified: false } }, 'corp.example', 403],
    ['acme', {}, 'example.com', 403],
    ['beta', {}, 'example.com', 200],
  ] as const)('%s with %j and an email address at %s: %d', async (provider, changes, domain, status) => {
    const who = world.newcomer({ email: address(domain) }, changes)
    const entered = await world.enter(provider, who)
    expect(entered.status, entered.text).toBe(status)
    if (status === 200) return
    expect(entered.body.code).toBe('sign_in_restricted')
    expect(String(entered.body.detail)).toContain('admits only certain')
    expect((await refused('sign_in_restricted'))[0]).toMatchObject({ account_id: null })
  })

  test('show a browser an error page in its language, and create no session', async () => {
    const browser = world.openBrowser()
    const back = await browser.toProvider('github', world.newcomer())
    const page = await browser.ask(back, { headers: { accept: 'text/html', 'accept-language': 'pt-BR' } })
    expect(page.status).toBe(403)
    expect(page.text).toContain('Conta não permitida aqui')
    expect(page.text).toContain('/login')
    expect((await browser.json('GET', '/me')).status).toBe(401)
  })

  test('report an organization that hides its members with an error of its own', async () => {
    const organizations = [{ login: 'acme', state: 'active' as const, hides: 'oauth_app' as const }]
    const entered = await world.enter('github', world.newcomer({}, { github: { organizations } }))
    expect(refusalOf(entered)).toEqual([403, 'organization_access_needed'])
    expect(String(entered.body.detail)).toContain('grant access to your organization')
    expect(await refused('organization_access_needed')).not.toEqual([])
  })

  test('refuse a user who left the organization, who keeps every other sign-in method', async () => {
    const who = world.newcomer({}, { ...member, ...hosted })
    const { user } = await world.signIn('github', who)
    expect((await world.signIn('google', who)).user.id).toBe(user.id)
    const person = world.sandbox.identities.get(who)
    if (person?.github) person.github.organizations = []
    expect(refusalOf(await world.enter('github', who))).toEqual([403, 'sign_in_restricted'])
    expect((await world.signIn('google', who)).user.id).toBe(user.id)
    if (person?.github) person.github.organizations = [{ login: 'globex', state: 'active' }]
    expect((await world.signIn('github', who)).user.id).toBe(user.id)
  })

  test('refuse a link, write nothing and revoke the tokens', async () => {
    const { access_token: token } = await world.signIn('beta', world.newcomer())
    const revoked = () => world.sandbox.journal.calls('github', 'revoke').length
    const before = revoked()
    const linked = await world.enter('github', world.newcomer(), { intent: 'link', token })
    expect(refusalOf(linked)).toEqual([403, 'sign_in_restricted'])
    expect(listIn(await world.call('GET', '/me/identities', { token }))).toHaveLength(1)
    // The refusal may already have started the job.
    await world.vinculum.runJob('revoke-at-provider')
    await expect.poll(revoked).toBe(before + 1)
    const fine = await world.enter('github', world.newcomer({}, member), { intent: 'link', token })
    expect(fine.status, fine.text).toBe(200)
  })

  test('never open a conflict for a user who may not sign in', async () => {
    const email = address('example.com')
    await world.signIn('google', world.newcomer({ email }, hosted))
    expect(refusalOf(await world.enter('acme', world.newcomer({ email })))).toEqual([403, 'sign_in_restricted'])
  })

  test.each(['link', 'create'] as const)(
    'apply the current settings to a conflict that was opened before: %s',
    async (action) => {
      const email = address('example.com')
      const { access_token: token } = await world.signIn('google', world.newcomer({ email }, hosted))
      const entered = await world.enter('acme', world.newcomer({ email }), { at: open.base })
      expect(refusalOf(entered)).toEqual([409, 'account_conflict'])
      const ticket = String(entered.body.conflict_ticket)
      const answer = await world.call('POST', `/auth/conflicts/${ticket}`, {
        token,
        body: { action, flow_token: entered.flow.flowToken },
      })
      expect(refusalOf(answer)).toEqual([403, 'sign_in_restricted'])
    },
  )

  test('refuse a team connection by a user who may not sign in', async () => {
    const jira = jiraIn(world)
    const who = world.newcomer({}, hosted)
    const { user, access_token: token } = await world.signIn('google', who)
    const owner = { who, id: user.id, token, email: world.emailOf(who) }
    const team = await jira.team(owner)
    expect(refusalOf(await jira.connect(team, owner))).toEqual([403, 'sign_in_restricted'])
    expect((await jira.status(team, owner)).body.status).toBe('not_connected')
    const corp = world.newcomer({ email: address('corp.example') })
    expect((await jira.connect(team, owner, corp)).status).toBe(200)
  })

  test('match an account by a non-primary GitHub email address, and open a conflict when two match', async () => {
    const [first, second] = [address('example.com'), address('example.com')]
    const { user } = await world.signIn('google', world.newcomer({ email: first }, hosted))
    const mails = (...emails: string[]) =>
      emails.map((email, n) => ({ email, verified: true, primary: n === 0, visibility: null }))
    const one = world.newcomer({}, { github: { ...member.github, emails: mails(address('example.com'), first) } })
    const signedIn = await world.signIn('github', one)
    expect([signedIn.action, signedIn.user.id]).toEqual(['linked_existing', user.id])

    const google = world.newcomer({ email: second }, hosted)
    const other = await world.signIn('google', google)
    const two = world.newcomer({}, { github: { ...member.github, emails: mails(first, second) } })
    const asked = await world.enter('github', two)
    expect(refusalOf(asked)).toEqual([409, 'account_conflict'])
    const at = `/auth/conflicts/${String(asked.body.conflict_ticket)}`
    const flow = { flow_token: asked.flow.flowToken }
    const shown = await world.call('GET', at, { headers: { 'flow-token': asked.flow.flowToken } })
    expect(shown.body.email).toBe(first.replace(/^(.).*@/, '$1•••@'))
    const answer = await world.call('POST', at, { token: other.access_token, body: { action: 'link', ...flow } })
    expect([answer.status, answer.body.action], answer.text).toEqual([200, 'linked_existing'])
    expect((await world.signIn('github', two)).user.id).toBe(other.user.id)
  })
})
