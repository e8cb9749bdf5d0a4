import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, databases, listIn, refusalOf, startWorld, type World } from '../support/service.ts'

describe.each(databases)('an account with twenty identities, on %s', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database })
  })
  afterAll(() => world.stop())

  const columns = 'provider, email, email_verified, name, picture, scopes, linked_at, last_used_at'
  /** A user who signs in with Google and has `count` identities in all. */
  async function somebody(count: number) {
    const who = world.newcomer()
    const { user, access_token: token } = await world.signIn('google', who)
    await world.operator(`
      with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${count - 1})
      insert into identities (id, account_id, issuer, subject, ${columns})
      select id || '_' || n, account_id, 'elsewhere', subject || '_' || n, 'elsewhere', ${columns.replace('provider, ', '')}
      from identities, numbers where account_id = '${user.id}'`)
    return { who, id: user.id, token }
  }
  const identitiesOf = async (token: string) => listIn(await world.call('GET', '/me/identities', { token }))
  const full = [409, 'too_many_identities']

  test('refuses another link with an explanation, and keeps its identities', async () => {
    const { who, id, token } = await somebody(20)
    const revoked = world.sandbox.journal.calls('github', 'revoke').length
    const refused = await world.enter('github', world.newcomer(), { intent: 'link', token })
    expect(refusalOf(refused)).toEqual(full)
    expect(refused.body.detail).toContain('20')
    expect(await identitiesOf(token)).toHaveLength(20)
    // A grant from a failed link is revoked.
    await world.vinculum.runJob('revoke-at-provider')
    expect(world.sandbox.journal.calls('github', 'revoke')).toHaveLength(revoked + 1)
    expect((await world.trail()).filter((row) => row.account_id === id).at(-1)?.event).not.toBe('identity.linked')
    expect((await world.signIn('google', who)).user.id).toBe(id)
    const again = await world.enter('google', who, { intent: 'link', token })
    expect([again.status, again.body.action]).toEqual([200, 'login_existing'])
  })

  test('does not gain one by a verified email address', async () => {
    const { who, token } = await somebody(20)
    expect(refusalOf(await world.enter('github', who))).toEqual(full)
    expect(await identitiesOf(token)).toHaveLength(20)
  })

  test('does not gain one by a resolved conflict', async () => {
    const { who, token } = await somebody(20)
    const asked = await world.enter('acme', who)
    expect(refusalOf(asked)).toEqual([409, 'account_conflict'])
    const answer: Answer = await world.call('POST', `/auth/conflicts/${asked.body.conflict_ticket}`, {
      token,
      body: { action: 'link', flow_token: asked.flow.flowToken },
    })
    expect(refusalOf(answer)).toEqual(full)
    expect(await identitiesOf(token)).toHaveLength(20)
  })

  test('links another once one is unlinked; of many concurrent links only one succeeds', async () => {
    const { token } = await somebody(18)
    const linked = await Promise.all(
      Array.from({ length: 5 }, () => world.enter('github', world.newcomer(), { intent: 'link', token })),
    )
    expect(linked.map(({ status }) => status).sort()).toEqual([200, 200, 409, 409, 409])
    const [first] = await identitiesOf(token)
    expect((await world.call('DELETE', `/me/identities/${first?.id}`, { token })).status).toBe(204)
    expect((await world.enter('github', world.newcomer(), { intent: 'link', token })).status).toBe(200)
    expect(await identitiesOf(token)).toHaveLength(20)
  })

  test('shows the limit to a user in a browser, and returns to the account page', async () => {
    const { who, token } = await somebody(20)
    const browser = world.openBrowser()
    await browser.signIn('google', who)
    const page = await browser.ask(`${world.base}/account/link/github`)
    const [, csrf = ''] = /action="\/auth\/github\/link"[\s\S]*?name="csrf" value="([^"]+)"/.exec(page.text) ?? []
    const away = await browser.ask(`${world.base}/auth/github/link`, {
      method: 'POST',
      body: new URLSearchParams({ csrf }),
      headers: { origin: world.base, 'sec-fetch-site': 'same-origin' },
    })
    const back = await browser.ask(await world.approve(away.headers.get('location') ?? '', world.newcomer()))
    expect([back.status, back.text.includes('href="/account"')], back.text).toEqual([409, true])
    expect(await identitiesOf(token)).toHaveLength(20)
  })
})
