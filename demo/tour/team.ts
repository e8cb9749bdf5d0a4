import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { Site } from '../../sandbox/providers/atlassian.ts'
import { messageTo, ticketOf } from './mailbox.ts'
import { type Answer, api, control, type Json, sandbox, short, step } from './steps.ts'
import { signInAs, throughApp } from './through-provider.ts'

type TourUser = { readonly key: string; readonly email: string; readonly id: string; readonly token: string }

/** Ada's sites in the sandbox. */
async function sitesOfAda(): Promise<readonly Site[]> {
  const people = (await (await fetch(`${sandbox}/_sandbox/identities`)).json()) as {
    key: string
    atlassian?: { sites: Site[] }
  }[]
  return people.find(({ key }) => key === 'ada')?.atlassian?.sites ?? assert.fail('Ada has no sites')
}

/** Creates a user with a verified email address, who has these sites at Atlassian. */
async function createTourUser(key: string, name: string, sites: readonly Site[] = []): Promise<TourUser> {
  const email = `${key}@example.com`
  await control('/identities', {
    key,
    name,
    email,
    verified: true,
    google: { hd: 'example.com' },
    atlassian: { sites },
  })
  await signInAs(key)
  const { status, body } = await throughApp('google')
  assert.equal(status, 200, short(body))
  return { key, email, id: String((body.user as unknown as Json).id), token: String(body.access_token) }
}

const refused = (answer: Answer, status: number, code: string): string => {
  assert.deepEqual([answer.status, answer.body.code], [status, code], short(answer.body))
  return code
}

/** Creates a credential for a back end as an administrator. The back end requests tokens with it. */
async function backEnd(administrator: string, run: string) {
  const { status, body } = await api('POST', '/service-credentials', {
    token: administrator,
    body: { name: `Tour tokens ${run}`, scopes: ['connections:token'] },
  })
  assert.equal(status, 201, short(body))
  const basic = Buffer.from(`${body.id}:${body.secret}`).toString('base64')
  return {
    made: body,
    borrow: (wanted: object): Promise<Answer> =>
      api('POST', '/connections/token', { body: wanted, headers: { authorization: `Basic ${basic}` } }),
  }
}
type BackEnd = Awaited<ReturnType<typeof backEnd>>

/** A team and its Jira with two sites, a consent that ends and is renewed, and additional permissions of a person. */
export async function useTeams(administrator: string, run: string): Promise<void> {
  const sites = await sitesOfAda()
  const owner = await createTourUser(`olga-${run}`, 'Olga Owner', sites)
  const admin = await createTourUser(`amir-${run}`, 'Amir Admin', sites)
  const outsider = await createTourUser(`sten-${run}`, 'Sten Outsider')
  const credential = await backEnd(administrator, run)
  const team = await createTeam(owner, admin, outsider)
  await connectJira(team, owner, admin)
  await lendToken(team, credential)
  await endConsent(team, owner, admin, credential)
  await changeSites(team, owner)
  await deleteTeam(team, owner, admin, administrator)
  await grantMore(owner, credential)
}

async function createTeam(owner: TourUser, admin: TourUser, outsider: TourUser): Promise<string> {
  let team = ''
  await step('A user creates a team and becomes its owner', async () => {
    const { status, body } = await api('POST', '/teams', { token: owner.token, body: { name: 'Support' } })
    assert.equal(status, 201, short(body))
    team = String(body.id)
    return body
  })
  await step('For other users the team does not exist', async () => {
    return refused(await api('GET', `/teams/${team}`, { token: outsider.token }), 404, 'team_not_found')
  })
  await step('They invite an admin, who joins with the link in the email, which works once', async () => {
    const invited = await api('POST', `/teams/${team}/invitations`, {
      token: owner.token,
      body: { email: admin.email, role: 'admin' },
    })
    assert.equal(invited.status, 201, short(invited.body))
    const ticket = ticketOf(await messageTo(admin.email, 'You are invited to a team'))
    const invitation = { body: { token: ticket } }
    const seen = await api('POST', '/invitations/lookup', { ...invitation, token: admin.token })
    assert.equal(seen.status, 200, short(seen.body))
    const joined = await api('POST', '/invitations/accept', { ...invitation, token: admin.token })
    assert.deepEqual([joined.status, joined.body.role], [200, 'admin'], short(joined.body))
    refused(
      await api('POST', '/invitations/accept', { ...invitation, token: outsider.token }),
      404,
      'invitation_not_found',
    )
    return seen.body
  })
  return team
}

const jiraOf = (team: string, rest = ''): string => `/teams/${team}/integrations/jira${rest}`

const seen = ({ body }: Answer): Record<string, unknown> => ({
  status: body.status,
  last_error: body.last_error,
  sites: (body.sites as unknown as Json[]).map(({ name, chosen, gone_at }) => ({ name, chosen, gone_at })),
})

/** Sends the user to Atlassian for the team, and back. */
async function connect(team: string, { key, token }: TourUser): Promise<Answer> {
  await signInAs(key)
  const connected = await throughApp('atlassian', { begin: jiraOf(team, '/authorize'), token })
  assert.equal(connected.status, 200, short(connected.body))
  return connected
}

const queuesOf = (team: string, { token }: TourUser): Promise<Answer> => api('GET', jiraOf(team, '/queues'), { token })

/** The names of the sites whose queues were read. */
const sitesRead = (answer: Answer): readonly unknown[] => {
  assert.equal(answer.status, 200, short(answer.body))
  return (answer.body.sites as unknown as Json[]).map(({ name, error }) => (error === null ? name : error))
}

async function connectJira(team: string, owner: TourUser, admin: TourUser): Promise<void> {
  await step('They connect Jira: the consent covers two sites, so they must choose', async () => {
    const connected = await connect(team, owner)
    assert.equal(connected.body.status, 'choose_site')
    return { ...seen(connected), queues: refused(await queuesOf(team, admin), 401, 'jira_not_active') }
  })
  await step('They choose both', async () => {
    const { body } = await api('GET', jiraOf(team, '/sites'), { token: owner.token })
    const cloud_ids = (body as unknown as Json[]).map(({ cloud_id }) => cloud_id)
    assert.equal(cloud_ids.length, 2)
    const chosen = await api('PUT', jiraOf(team, '/sites'), { token: owner.token, body: { cloud_ids } })
    assert.equal(chosen.status, 200, short(chosen.body))
    const status = await api('GET', jiraOf(team), { token: owner.token })
    assert.equal(status.body.status, 'active')
    return status.body
  })
  await step('All team members see the queues of both service desks', async () => {
    const queues = await queuesOf(team, admin)
    assert.deepEqual(sitesRead(queues), ['acme', 'globex'])
    return queues.body
  })
}

async function lendToken(team: string, { made, borrow }: BackEnd): Promise<void> {
  await step('A back end with a credential gets the team’s access token, and which scopes are missing', async () => {
    const wanted = { team_id: team, provider: 'atlassian', scopes: ['read:jira-user', 'write:jira-work'] }
    const { status, body } = await borrow(wanted)
    assert.equal(status, 200, short(body))
    assert.deepEqual(body.missing_scopes, ['write:jira-work'])
    assert.ok(!('refresh_token' in body), 'a refresh token must never be handed out')
    const [site] = body.sites as unknown as Json[]
    const jira = await fetch(`${sandbox}/atlassian/ex/jira/${site?.cloud_id}/rest/api/3/myself`, {
      headers: { authorization: `Bearer ${body.access_token}` },
    })
    assert.equal(jira.status, 200, 'Jira accepts the token')
    return { credential: made.id, lent: body, jira: await jira.json() }
  })
}

async function endConsent(team: string, owner: TourUser, admin: TourUser, { borrow }: BackEnd): Promise<void> {
  await step('Atlassian ends the consent: the next call detects and reports it', async () => {
    await control('/kill-refresh-tokens', { provider: 'atlassian', identity: owner.key })
    await control('/kill-access-tokens', { provider: 'atlassian', identity: owner.key })
    const synced = await api('POST', jiraOf(team, '/sync'), { token: owner.token })
    assert.deepEqual([synced.body.status, synced.body.last_error], ['needs_reauthorization', 'invalid_grant'])
    const queues = refused(await queuesOf(team, admin), 401, 'jira_not_active')
    const lent = refused(await borrow({ team_id: team, provider: 'atlassian' }), 409, 'needs_reauthorization')
    return { ...seen(synced), queues, lent }
  })
  await step('The team’s owners and admins are notified by email', async () => {
    const subject = 'Your team’s connection to Jira stopped working'
    const messages = [await messageTo(owner.email, subject), await messageTo(admin.email, subject)]
    const page = `/account/teams/${team}/integrations`
    for (const { links } of messages) assert.ok(links.some(({ pathname }) => pathname === page))
    return messages.map((message) => message.subject)
  })
  await step('The owner connects again: the chosen sites are kept', async () => {
    const connected = await connect(team, owner)
    assert.equal(connected.body.status, 'active', short(connected.body))
    assert.deepEqual(sitesRead(await queuesOf(team, admin)), ['acme', 'globex'])
    return seen(connected)
  })
}

async function changeSites(team: string, owner: TourUser): Promise<void> {
  await step('Access to a site ends at Atlassian: the status shows it, and the other site keeps working', async () => {
    const { body: before } = await api('GET', jiraOf(team, '/sites'), { token: owner.token })
    const globex = (before as unknown as Json[]).find(({ name }) => name === 'globex')
    await control('/sites', { identity: owner.key, cloud_id: globex?.cloud_id, gone: true })
    const synced = await api('POST', jiraOf(team, '/sync'), { token: owner.token })
    assert.deepEqual([synced.body.status, synced.body.last_error], ['active', 'sites_gone'], short(synced.body))
    assert.deepEqual(sitesRead(await queuesOf(team, owner)), ['acme'])
    return seen(synced)
  })
}

async function deleteTeam(team: string, owner: TourUser, admin: TourUser, administrator: string): Promise<void> {
  await step('They disconnect: the tokens are erased here; Atlassian offers no way to revoke them', async () => {
    assert.equal((await api('DELETE', jiraOf(team), { token: owner.token })).status, 204)
    refused(await queuesOf(team, admin), 401, 'jira_not_active')
    const ended = await happened(owner, 'provider_token.revoked')
    assert.equal((ended.data as unknown as Json).result, 'not_supported', short(ended))
    return { data: ended.data, ...seen(await api('GET', jiraOf(team), { token: owner.token })) }
  })
  await step('The team is deleted for all members', async () => {
    const asAdmin = refused(await api('DELETE', `/teams/${team}`, { token: admin.token }), 403, 'team_role_required')
    assert.equal((await api('DELETE', `/teams/${team}`, { token: owner.token })).status, 204)
    return {
      by_the_admin: asAdmin,
      now: refused(await api('GET', `/teams/${team}`, { token: admin.token }), 404, 'team_not_found'),
    }
  })
  await step('The administrator sees the background jobs', async () => {
    const { status, body } = await api('GET', '/jobs', { token: administrator })
    assert.equal(status, 200, short(body))
    const jobs = body as unknown as Json[]
    assert.ok(jobs.some(({ name }) => name === 'renew-provider-tokens'))
    return jobs.map(({ name, period_seconds, runs, failures, backlog }) => ({
      name,
      period_seconds,
      runs,
      failures,
      backlog,
    }))
  })
}

/** The newest entry of this kind in an account's audit log. It waits for entries that a background job writes. */
async function happened({ token }: TourUser, event: string): Promise<Json> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const { body } = await api('GET', '/me/activity', { token })
    const found = (body as unknown as { items: Json[] }).items.find((item) => item.event === event)
    if (found) return found
    await pause(100)
  }
  return assert.fail(`${event} did not appear in the audit log`)
}

async function grantMore(who: TourUser, { borrow }: BackEnd): Promise<void> {
  const mine = async (): Promise<Json & { id: string }> => {
    const { body } = await api('GET', '/me/identities', { token: who.token })
    const found = (body as unknown as (Json & { id: string })[]).find(({ provider }) => provider === 'github')
    return found ?? assert.fail('GitHub is not linked')
  }
  const shown = ({ provider, asked_scopes, scopes, token_status }: Json) => ({
    provider,
    asked_scopes,
    scopes,
    token_status,
  })
  await step('A user links GitHub and grants more permissions than sign-in needs', async () => {
    await signInAs(who.key)
    const linked = await throughApp('github', { body: { intent: 'link' }, token: who.token })
    assert.equal(linked.status, 200, short(linked.body))
    const { id } = await mine()
    const more = await throughApp('github', {
      begin: `/me/identities/${id}/authorize`,
      body: { scopes: ['repo'] },
      token: who.token,
    })
    assert.equal(more.status, 200, short(more.body))
    const { body } = await borrow({ user_id: who.id, provider: 'github', scopes: ['repo'] })
    assert.deepEqual(body.missing_scopes, [], short(body))
    return { ...shown(await mine()), lent: body }
  })
  await step('They withdraw the permissions but keep the link: the token is revoked at GitHub', async () => {
    const { id } = await mine()
    assert.equal((await api('DELETE', `/me/identities/${id}/grant`, { token: who.token })).status, 204)
    const lent = refused(await borrow({ user_id: who.id, provider: 'github' }), 404, 'not_connected')
    const github = await mine()
    assert.equal(github.token_status, 'revoked')
    for (let attempt = 0; attempt < 300; attempt++) {
      const { body } = await api('GET', '/me/revocations', { token: who.token })
      if ((body as unknown as Json[]).length === 0) return { ...shown(github), lent, waiting: 0 }
      await pause(100)
    }
    return assert.fail('GitHub received no revocation')
  })
}
