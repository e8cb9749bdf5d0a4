import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  type Answer,
  aboveStore,
  answerOf,
  authOf,
  cookiesOf,
  type Json,
  listIn,
  type ProviderName,
  refusalOf,
  startWorld,
  type World,
} from '../support/service.ts'

let addresses = 0
const newAddress = (domain = 'example.com'): string => `somebody-${process.pid}-${++addresses}@${domain}`

/** The ticket of a sign-in that ended in an account conflict. */
function ticketOf(answer: Answer): string {
  expect(refusalOf(answer), answer.text).toEqual([409, 'account_conflict'])
  return String(answer.body.conflict_ticket)
}

const providersIn = (answer: Answer): readonly unknown[] =>
  listIn(answer)
    .map(({ provider }) => provider)
    .sort()
const identitiesWith = async (world: World, token: string): Promise<readonly unknown[]> =>
  providersIn(await world.call('GET', '/me/identities', { token }))

describe.each(aboveStore('PostgreSQL'))('account matching at sign-in, on %s', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database })
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  test('finds the same account for a known identity, whatever its email address, name and other claims are now', async () => {
    const who = world.newcomer()
    const { user } = await world.signIn('google', who)
    const person = world.sandbox.identities.get(who)
    const other = world.newcomer({ email: newAddress() })
    const otherUser = await world.signIn('google', other)
    world.sandbox.identities.set({
      ...person,
      key: who,
      title: 'changed',
      google: {
        sub: person?.google?.sub ?? '',
        name: 'New Name',
        email: world.emailOf(other),
        email_verified: true,
        hd: 'x',
      },
    })
    const again = await world.signIn('google', who)
    expect([again.action, again.user]).toEqual(['login_existing', user])
    expect(again.user.id).not.toBe(otherUser.user.id)
    const [identity] = listIn(await world.call('GET', '/me/identities', { token: again.access_token }))
    expect(identity?.provider_email).toBe(world.emailOf(other))
  })

  test.each([
    ['google', 'github'],
    ['github', 'google'],
  ] as const)(
    'joins an email address %s verified first when %s verifies it as well, and records it in the user’s activity',
    async (one, two) => {
      const who = world.newcomer()
      const first = await world.signIn(one, who)
      const second = await world.signIn(two, who)
      expect([second.action, second.user.id]).toEqual(['linked_existing', first.user.id])
      expect(await identitiesWith(world, second.access_token)).toEqual(['github', 'google'])
      const { body } = await world.call('GET', '/me/activity', { token: first.access_token })
      expect(body.items).toContainEqual(
        expect.objectContaining({
          event: 'identity.linked',
          data: expect.objectContaining({ provider: two, how: 'verified_email' }),
        }),
      )
    },
  )

  test('compares email addresses without regard to case, in either script of their domain, and folds nothing else', async () => {
    const email = newAddress('bücher.example')
    const first = await world.signIn('google', world.newcomer({ email }))
    expect(first.user.email).toBe(email.replace('bücher', 'xn--bcher-kva'))
    const shouted = await world.signIn('github', world.newcomer({ email: email.toUpperCase() }))
    expect([shouted.action, shouted.user.id]).toEqual(['linked_existing', first.user.id])

    const plain = newAddress('gmail.com')
    const holder = await world.signIn('google', world.newcomer({ email: plain }))
    for (const near of [plain.replace('somebody', 'some.body'), plain.replace('@', '+tag@')]) {
      const stranger = await world.signIn('github', world.newcomer({ email: near }))
      expect([stranger.action, stranger.user.id === holder.user.id]).toEqual(['created_new_user', false])
    }
  })

  test.each(['atlassian', 'acme', 'beta'] as const)('does not trust the email address from %s', async (provider) => {
    const who = world.newcomer()
    await world.signIn('google', who)
    ticketOf(await world.enter(provider, who))
    const first = await world.signIn(provider, world.newcomer())
    expect([first.action, first.user.email_verified]).toEqual(['created_new_user', false])
  })

  test('opens a conflict for an email address that Google verified but does not host', async () => {
    const email = newAddress()
    await world.signIn('github', world.newcomer({ email }))
    ticketOf(await world.enter('google', world.newcomer({ email }, { google: { hd: undefined } })))
    const gmail = newAddress('gmail.com')
    await world.signIn('github', world.newcomer({ email: gmail }))
    const linked = await world.signIn('google', world.newcomer({ email: gmail }, { google: { hd: undefined } }))
    expect(linked.action).toBe('linked_existing')
  })

  test('opens a conflict for an email address that either side did not verify', async () => {
    const held = newAddress()
    await world.signIn('google', world.newcomer({ email: held }))
    ticketOf(await world.enter('google', world.newcomer({ email: held, verified: false })))

    const claimed = newAddress()
    const claim = await world.signIn('beta', world.newcomer({ email: claimed }))
    expect([claim.user.email, claim.user.email_verified]).toEqual([claimed, false])
    ticketOf(await world.enter('google', world.newcomer({ email: claimed })))
    ticketOf(await world.enter('acme', world.newcomer({ email: claimed })))
  })

  test('ignores an email address GitHub does not mark as verified', async () => {
    const email = newAddress()
    await world.signIn('google', world.newcomer({ email }))
    const stranger = await world.signIn('github', world.newcomer({ email, verified: false }))
    expect([stranger.action, stranger.user.email]).toEqual(['created_new_user', null])
  })

  test('never joins an administrator’s account by email address', async () => {
    const who = world.newcomer()
    const { user, access_token: token } = await world.signIn('google', who)
    await world.operator(`update accounts set role = 'administrator' where id = '${user.id}'`)
    expect((await world.call('GET', '/me', { token })).body.role).toBe('administrator')
    ticketOf(await world.enter('github', who))
    expect(await identitiesWith(world, token)).toEqual(['google'])
    expect((await world.signIn('google', who)).action).toBe('login_existing')
  })

  test('keeps two identities of one provider with one email address apart', async () => {
    const email = newAddress()
    await world.signIn('github', world.newcomer({ email }))
    ticketOf(await world.enter('github', world.newcomer({ email })))
  })

  test('creates an account without an email address for each identity that has none', async () => {
    const silent = { google: { email: undefined, email_verified: undefined } }
    const people = [world.newcomer({}, silent), world.newcomer({}, silent)]
    const [one, two] = await Promise.all(people.map((who) => world.signIn('google', who)))
    expect([one?.user.email, two?.user.email]).toEqual([null, null])
    expect(one?.user.id).not.toBe(two?.user.id)
  })

  describe('an account conflict', () => {
    /** An account that holds the email address, and a user with the same address from an untrusted provider. */
    async function asked(email = newAddress()) {
      const holder = world.newcomer({ email })
      const first = await world.signIn('google', holder)
      const entering = await world.enter('acme', world.newcomer({ email }))
      return { email, holder, first, ticket: ticketOf(entering), flowToken: entering.flow.flowToken }
    }
    const answer = (ticket: string, body: object, token?: string) =>
      world.call('POST', `/auth/conflicts/${ticket}`, { body, token })

    test('is shown with a masked email address, and only to the holder of the flow_token', async () => {
      const { email, ticket, flowToken } = await asked()
      const path = `/auth/conflicts/${ticket}`
      const { status, body, text } = await world.call('GET', path, { headers: { 'flow-token': flowToken } })
      expect([status, body.email]).toEqual([200, `s•••@${email.split('@')[1]}`])
      expect(text).not.toContain(email)
      for (const headers of [{}, { 'flow-token': 'another' }])
        expect(refusalOf(await world.call('GET', path, { headers }))).toEqual([404, 'conflict_not_found'])
      expect(refusalOf(await world.call('GET', '/auth/conflicts/made-up'))).toEqual([404, 'conflict_not_found'])
    })

    test('is resolved with "link" only by the user who proves the account, and only once', async () => {
      const { first, holder, ticket, flowToken } = await asked()
      const mine = { action: 'link', flow_token: flowToken }
      expect(refusalOf(await answer(ticket, mine))).toEqual([401, 'proof_required'])
      // Another user's proof does not count, nor does an old one.
      const stranger = await world.signIn('google', world.newcomer())
      expect(refusalOf(await answer(ticket, mine, stranger.access_token))).toEqual([401, 'proof_required'])

      const { access_token: token } = await world.signIn('google', holder)
      expect(refusalOf(await answer(ticket, { ...mine, flow_token: 'another' }, token))).toEqual([
        404,
        'conflict_not_found',
      ])
      const linked = authOf(await answer(ticket, mine, token))
      expect([linked.action, linked.user.id, linked.provider_info.provider]).toEqual([
        'linked_existing',
        first.user.id,
        'acme',
      ])
      expect(await identitiesWith(world, token)).toEqual(['acme', 'google'])
      expect(refusalOf(await answer(ticket, mine, token))).toEqual([404, 'conflict_not_found'])
      expect(refusalOf(await answer(ticket, { action: 'create', flow_token: flowToken }))).toEqual([
        404,
        'conflict_not_found',
      ])
    })

    test('does not accept a sign-in of more than ten minutes ago as proof', async () => {
      const holder = world.newcomer({ email: newAddress() })
      const { access_token: token } = await world.signIn('google', holder)
      world.turn(601)
      const entering = await world.enter('acme', world.newcomer({ email: world.emailOf(holder) }))
      const body = { action: 'link', flow_token: entering.flow.flowToken }
      expect(refusalOf(await answer(ticketOf(entering), body, token))).toEqual([401, 'proof_required'])
    })

    test('is resolved with "create" by a separate account, which only claims the email address', async () => {
      const { first, email, ticket, flowToken } = await asked()
      const own = authOf(await answer(ticket, { action: 'create', flow_token: flowToken }))
      expect(own).toMatchObject({ action: 'created_new_user', user: { email, email_verified: false } })
      expect(own.user.id).not.toBe(first.user.id)
      const { body } = await world.call('GET', '/me', { token: first.access_token })
      expect(body).toMatchObject({ email, email_verified: true })
    })

    test('takes the email address from an unverified account, which keeps its other data but not its sessions', async () => {
      const email = newAddress()
      const claimant = world.newcomer({ email })
      const claim = await world.signIn('beta', claimant)
      const device = await world.signIn('beta', claimant)
      const entering = await world.enter('google', world.newcomer({ email }))
      const own = authOf(await answer(ticketOf(entering), { action: 'create', flow_token: entering.flow.flowToken }))
      expect(own).toMatchObject({ action: 'created_new_user', user: { email, email_verified: true } })

      for (const { access_token: token, refresh_token } of [claim, device]) {
        expect(refusalOf(await world.call('GET', '/me', { token }))).toEqual([401, 'session_revoked'])
        const refreshed = await world.call('POST', '/auth/refresh', { body: { refresh_token } })
        expect(refusalOf(refreshed)).toEqual([401, 'session_revoked'])
      }
      const back = await world.signIn('beta', claimant)
      expect([back.action, back.user.id, back.user.email]).toEqual(['login_existing', claim.user.id, null])
      const { body } = await world.call('GET', '/me/activity', { token: back.access_token })
      const events = (body.items as Json[]).map(({ event }) => event)
      expect(events).toContain('account.email_claim_ended')
    })

    test('is open for ten minutes', async () => {
      const { ticket, flowToken, holder } = await asked()
      world.turn(599)
      const path = `/auth/conflicts/${ticket}`
      expect((await world.call('GET', path, { headers: { 'flow-token': flowToken } })).status).toBe(200)
      world.turn(1)
      const { access_token: token } = await world.signIn('google', holder)
      for (const action of ['link', 'create'])
        expect(refusalOf(await answer(ticket, { action, flow_token: flowToken }, token))).toEqual([
          404,
          'conflict_not_found',
        ])
    })

    test('is bound to one browser, which resolves it by signing in to the account', async () => {
      const email = newAddress()
      const holder = world.newcomer({ email })
      const { user } = await world.signIn('github', holder)
      const browser = world.openBrowser()
      const sent = await browser.signIn('acme', world.newcomer({ email }), { return_to: '/account/activity' })
      const path = sent.headers.get('location') ?? ''
      const page = await browser.ask(`${world.base}${path}`)
      expect([page.status, page.text.includes('s•••@')]).toEqual([200, true])
      expect(page.text).not.toContain(email)

      const stranger = world.openBrowser()
      expect((await stranger.ask(`${world.base}${path}`)).status).toBe(404)
      expect(
        answerOf(await stranger.ask(`${world.base}${path}`, { headers: { accept: 'application/json' } })).body.code,
      ).toBe('conflict_not_found')
      expect(refusalOf(await browser.json('POST', path, { body: { action: 'link' } }))).toEqual([401, 'proof_required'])

      // The proof is a separate sign-in that returns to the conflict.
      const back = await browser.toProvider('github', holder, { return_to: path })
      const proven = await browser.ask(back)
      expect(proven.headers.get('location')).toBe(path)
      const done = await browser.submit(await browser.ask(`${world.base}${path}`), path)
      expect([done.status, done.url.pathname]).toEqual([200, '/account/activity'])
      const me = await browser.json('GET', '/me')
      expect(me.body.id).toBe(user.id)
      expect(providersIn(await browser.json('GET', '/me/identities'))).toEqual(['acme', 'github'])
      expect((await browser.ask(`${world.base}${path}`)).status).toBe(404)
    })

    test('is resolved in the browser with a new account and a session for it', async () => {
      const { holder } = await asked()
      const browser = world.openBrowser()
      const sent = await browser.signIn('beta', world.newcomer({ email: world.emailOf(holder) }))
      const path = sent.headers.get('location') ?? ''
      const page = await browser.ask(`${world.base}${path}`)
      const [, csrf = ''] = /name="csrf" value="([^"]+)"/.exec(page.text) ?? []
      const form = new URLSearchParams({ csrf, action: 'create' })
      const headers = { origin: world.base, 'sec-fetch-site': 'same-origin' }
      const done = await browser.ask(`${world.base}${path}`, { method: 'POST', body: form, headers })
      expect([done.status, done.headers.get('location')]).toEqual([303, '/account'])
      expect(Object.keys(cookiesOf(done.headers))).toEqual([
        'vinculum_session',
        'vinculum_device',
        'vinculum_last_method',
      ])
      expect((await browser.json('GET', '/me')).body.email_verified).toBe(false)
    })

    test('stays open though the callback URL is loaded again', async () => {
      const { holder } = await asked()
      const browser = world.openBrowser()
      const back = await browser.toProvider('beta', world.newcomer({ email: world.emailOf(holder) }))
      const sent = await browser.ask(back)
      const again = answerOf(await browser.ask(back, { headers: { accept: 'application/json' } }))
      expect(refusalOf(again)).toEqual([400, 'state_already_used'])
      expect((await browser.ask(new URL(sent.headers.get('location') ?? '', world.base))).status).toBe(200)
    })

    test('resolved several times concurrently is resolved once', async () => {
      const { ticket, flowToken } = await asked()
      const body = { action: 'create', flow_token: flowToken }
      const answers = await Promise.all(Array.from({ length: 5 }, () => answer(ticket, body)))
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 404, 404, 404, 404])
    })
  })

  test('creates one account for one new user in two browsers at once', async () => {
    for (let round = 0; round < 20; round++) {
      const who = world.newcomer()
      const flows = await Promise.all([world.begin('google'), world.begin('google')])
      const backs = await Promise.all(flows.map(({ url }) => world.approve(url, who)))
      const answers = await Promise.all(flows.map((flow, n) => world.finish(flow, backs[n] as URL)))
      const auths = answers.map(authOf)
      expect(new Set(auths.map(({ user }) => user.id)).size).toBe(1)
      expect(auths.map(({ action }) => action).sort()).toEqual(['created_new_user', 'login_existing'])
    }
  })

  test('creates one account for one new email address through Google and GitHub at once', async () => {
    for (let round = 0; round < 20; round++) {
      const who = world.newcomer()
      const flows = await Promise.all([world.begin('google'), world.begin('github')])
      const backs = await Promise.all(flows.map(({ url }) => world.approve(url, who)))
      const auths = (await Promise.all(flows.map((flow, n) => world.finish(flow, backs[n] as URL)))).map(authOf)
      expect(new Set(auths.map(({ user }) => user.id)).size).toBe(1)
      expect(auths.map(({ action }) => action).sort()).toEqual(['created_new_user', 'linked_existing'])
      expect(auths.map(({ user }) => user.email_verified)).toEqual([true, true])
    }
  })

  test('starts as many sessions as the audit log has sign-ins, and leaves no account without an identity', async () => {
    const { sessions = [], accounts = [], identities = [] } = await world.dump('sessions', 'accounts', 'identities')
    const trail = await world.trail()
    const signIns = trail.filter(({ event }) => event === 'authentication.succeeded')
    expect(sessions.length).toBe(signIns.length)
    expect(accounts.length).toBe(trail.filter(({ event }) => event === 'account.created').length)
    const owners = new Set(identities.map(({ account_id }) => account_id))
    expect(accounts.filter(({ id }) => !owners.has(id))).toEqual([])
  })
})

test('two nodes on one PostgreSQL database create one account for one person, whichever node handles which provider', async () => {
  const world = await startWorld({ database: 'PostgreSQL' })
  try {
    const { base: other } = await world.another()
    for (let round = 0; round < 20; round++) {
      const who = world.newcomer()
      const pairs: readonly (readonly [ProviderName, string])[] = [
        ['google', world.base],
        ['github', other],
        ['google', other],
      ]
      const flows = await Promise.all(pairs.map(([provider]) => world.begin(provider)))
      const backs = await Promise.all(flows.map(({ url }) => world.approve(url, who)))
      const answers = await Promise.all(
        flows.map((flow, n) => world.finish(flow, backs[n] as URL, { at: pairs[n]?.[1] ?? world.base })),
      )
      const auths = answers.map(authOf)
      expect(new Set(auths.map(({ user }) => user.id)).size).toBe(1)
      expect(auths.filter(({ action }) => action === 'created_new_user')).toHaveLength(1)
    }
    const { accounts, identities } = await world.dump('accounts', 'identities')
    expect([accounts?.length, identities?.length]).toEqual([20, 40])
  } finally {
    await world.stop()
  }
})

describe('trust in a provider’s email address', () => {
  const settings: readonly [Record<string, string>, ProviderName, 'linked' | 'asked'][] = [
    [{ ACME_EMAIL_TRUST: 'verified' }, 'acme', 'linked'],
    [{ BETA_EMAIL_TRUST: 'verified' }, 'beta', 'linked'],
    [{ ATLASSIAN_EMAIL_TRUST: 'verified' }, 'atlassian', 'linked'],
    [{ ATLASSIAN_EMAIL_TRUST: 'authoritative' }, 'atlassian', 'asked'],
    [{ GOOGLE_EMAIL_TRUST: 'never' }, 'google', 'asked'],
    [{ GITHUB_EMAIL_TRUST: 'never' }, 'github', 'asked'],
    [{ GITHUB_EMAIL_TRUST: 'authoritative' }, 'github', 'asked'],
    [{ OAUTH_LINK_BY_VERIFIED_EMAIL: 'off' }, 'github', 'asked'],
  ]
  test.each(settings)('with %o a verified email address of %s is %s', async (env, provider, outcome) => {
    const world = await startWorld({ env })
    try {
      const who = world.newcomer()
      const first = provider === 'google' ? 'github' : 'google'
      await world.signIn(first, who)
      const second = await world.enter(provider, who)
      if (outcome === 'linked') expect(authOf(second).action).toBe('linked_existing')
      else ticketOf(second)
      // An email address is trusted only where the provider itself marks it as verified.
      const email = world.emailOf(who)
      const doubtful = await world.enter(provider, world.newcomer({ email, verified: false }))
      if (provider === 'github') expect(authOf(doubtful).user.email).toBe(null)
      else ticketOf(doubtful)
    } finally {
      await world.stop()
    }
  })
})
