/** Providers that administrators add, change and remove at run time. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startService } from '../support/process.ts'
import {
  aboveStore,
  authOf,
  encryptionKey,
  freePort,
  listIn,
  refusalOf,
  startWorld,
  type World,
} from '../support/service.ts'

describe.each(aboveStore('SQLite'))('providers managed at run time, on %s', (database) => {
  let world: World
  let token: string
  let admin: string
  let administrator: string
  beforeAll(async () => {
    // The sandbox has an OpenID provider. Without a setting in the environment, it is unknown to the service.
    world = await startWorld({
      database,
      kinds: ['google', 'github', 'atlassian'],
      env: {
        OIDC_PROVIDERS: '',
        OAUTH2_PROVIDERS: '',
        PROVIDERS_ALLOW_PRIVATE_ADDRESSES: 'on',
      },
    })
    administrator = world.newcomer()
    const signedIn = await world.signIn('google', administrator)
    admin = signedIn.user.id
    expect(await world.vinculum.makeAdministrator(admin)).toBe('made')
  })
  // Other tests turn the clock, and writing needs a recent sign-in.
  beforeEach(async () => {
    token = (await world.signIn('google', administrator)).access_token
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  const as = (method: string, path: string, body?: object, at?: string) =>
    world.call(method, path, { token, ...(body && { body }), ...(at && { at }) })
  const settings = () => ({
    CLIENT_ID: String(world.sandbox.env.ACME_CLIENT_ID),
    CLIENT_SECRET: String(world.sandbox.env.ACME_CLIENT_SECRET),
    ISSUER: String(world.sandbox.env.ACME_ISSUER),
    NAME: 'Acme ID',
    BREAKER: 'timeout_ms=8000,volume=1000',
  })
  const offered = async (at?: string) =>
    listIn(await world.call('GET', '/auth/providers', at ? { at } : {})).map(({ id }) => id)
  /** The settings of the sandbox's plain OAuth 2.0 provider, at which a second client can be registered. */
  const betaSettings = () =>
    Object.fromEntries(
      Object.entries(world.sandbox.env).flatMap(([name, value]) =>
        name.startsWith('BETA_') ? [[name.slice('BETA_'.length), value]] : [],
      ),
    )
  const secondClient = { CLIENT_ID: 'second', CLIENT_SECRET: 'second-secret-of-the-sandbox' }
  const registerSecond = () =>
    world.sandbox.addClient('oauth2', { id: secondClient.CLIENT_ID, secret: secondClient.CLIENT_SECRET })
  /** Removes what tests before have added. */
  const gone = async () => {
    await world.operator('delete from provider_versions')
    await world.operator('delete from providers')
    await world.vinculum.runJob('reload-providers')
  }
  const added = async (id: 'acme' | 'beta' = 'acme') => {
    await gone()
    const data = id === 'acme' ? { kind: 'oidc', settings: settings() } : { kind: 'oauth2', settings: betaSettings() }
    const made = await as('POST', '/providers', { id, ...data })
    expect(made.status, made.text).toBe(201)
    const enabled = await as('POST', `/providers/${id}/enable`, { force: true })
    expect(enabled.status, enabled.text).toBe(200)
    return enabled.body
  }

  test('an administrator adds one, enables it, and a person signs in with it, without a restart', async () => {
    await gone()
    expect(await offered()).not.toContain('acme')
    const made = await as('POST', '/providers', { id: 'acme', kind: 'oidc', settings: settings() })
    expect(made.status, made.text).toBe(201)
    expect(made.body).toMatchObject({ source: 'database', enabled: false, in_use: false, live: null })
    expect(made.body.draft).toMatchObject({ version: 1, state: 'draft', secrets: ['CLIENT_SECRET'], author: admin })
    expect(made.text).not.toContain(settings().CLIENT_SECRET)
    expect(await offered()).not.toContain('acme')
    // Nobody has signed in with the draft.
    expect(refusalOf(await as('POST', '/providers/acme/enable'))).toEqual([409, 'provider_not_tried'])
    expect((await as('POST', '/providers/acme/check')).body).toMatchObject({ endpoints: 'known', client: 'accepted' })
    const enabled = await as('POST', '/providers/acme/enable', { force: true })
    expect(enabled.body).toMatchObject({ enabled: true, in_use: true, draft: null, live: { version: 1 } })
    expect(await offered()).toContain('acme')
    const who = world.newcomer()
    expect(authOf(await world.enter('acme', who)).action).toBe('created_new_user')
    expect(authOf(await world.enter('acme', who)).action).toBe('login_existing')
    const facts = (await world.trail()).filter(({ event }) => String(event).startsWith('provider.'))
    expect(facts.map(({ event }) => event)).toEqual(['provider.created', 'provider.went_live', 'provider.enabled'])
    expect(JSON.stringify(facts)).not.toContain(settings().CLIENT_SECRET)
    expect(JSON.stringify(await world.dump())).not.toContain(settings().CLIENT_SECRET)
  })

  test('all errors of the settings are reported together, by field, and nothing is stored', async () => {
    await gone()
    const refused = await as('POST', '/providers', {
      id: 'token',
      kind: 'oidc',
      settings: {
        ISSUER: 'ftp://x',
        EMAIL_TRUST: 'always',
        HOSTED_DOMAINS: 'x.example',
        NO_SUCH: '1',
        CLIENT_ID: 'a\u200bb',
      },
    })
    expect(refusalOf(refused)).toEqual([400, 'invalid_request'])
    const fields = (refused.body.errors as { path: string }[]).map(({ path }) => path).sort()
    expect(fields).toEqual([
      'id',
      'settings.CLIENT_ID',
      'settings.CLIENT_SECRET',
      'settings.EMAIL_TRUST',
      'settings.HOSTED_DOMAINS',
      'settings.ISSUER',
      'settings.NO_SUCH',
    ])
    const all = listIn(await as('GET', '/providers'))
    expect(all.map(({ id }) => id)).not.toContain('token')
    expect(new Set(all.map(({ source }) => source))).toEqual(new Set(['environment']))
    expect(refusalOf(await as('POST', '/providers', { id: 'google', kind: 'google', settings: {} }))).toEqual([
      409,
      'provider_exists',
    ])
    const editing = await as('PATCH', '/providers/google', { settings: { NAME: 'G' } })
    expect(refusalOf(editing)).toEqual([409, 'provider_not_editable'])
  })

  test('a change of the live settings is a draft, and publishing it changes nothing for a sign-in in progress', async () => {
    await added('beta')
    registerSecond()
    const begun = await world.begin('beta')
    const back = await world.approve(begun.url, world.newcomer())
    const changed = await as('PATCH', '/providers/beta', { settings: secondClient })
    expect(changed.body).toMatchObject({
      live: { version: 1, settings: { CLIENT_ID: betaSettings().CLIENT_ID } },
      draft: { version: 2, settings: { CLIENT_ID: 'second' } },
    })
    const published = await as('POST', '/providers/beta/publish', { force: true })
    expect(published.body).toMatchObject({ live: { version: 2 }, draft: null })
    expect(authOf(await world.finish(begun, back)).action).toBe('created_new_user')
    expect(authOf(await world.enter('beta', world.newcomer())).action).toBe('created_new_user')
    const audited = (await world.trail()).findLast(({ event }) => event === 'provider.updated')
    expect(typeof audited?.data === 'string' ? JSON.parse(audited.data) : audited?.data).toMatchObject({
      by: admin,
      changes: [
        { setting: 'CLIENT_ID', before: betaSettings().CLIENT_ID, after: 'second' },
        { setting: 'CLIENT_SECRET', before: null, after: 'changed' },
      ],
    })
  })

  test('a node that was not there finishes a sign-in with the settings it began with', async () => {
    await added('beta')
    registerSecond()
    const begun = await world.begin('beta')
    const back = await world.approve(begun.url, world.newcomer())
    expect((await as('PATCH', '/providers/beta', { settings: secondClient, force: true })).status).toBe(200)
    const fresh = await world.another()
    expect(authOf(await world.finish(begun, back, { at: fresh.base })).action).toBe('created_new_user')
  })

  test('a client ID and secret that change under load fail no sign-in, on no node', async () => {
    await added('beta')
    registerSecond()
    const other = await world.another()
    const nodes = [world.base, other.base]
    const actions: string[] = []
    let isOver = false
    const signingIn = Array.from({ length: 4 }, async (_, n) => {
      for (let turn = 0; !isOver; turn++) {
        const begun = await world.begin('beta', { at: nodes[(n + turn) % 2] ?? world.base })
        const back = await world.approve(begun.url, world.newcomer())
        // It ends on the other node, which may know another version.
        const ended = await world.finish(begun, back, { at: nodes[(n + turn + 1) % 2] ?? world.base })
        actions.push(ended.status === 200 ? String(ended.body.action) : `${ended.status} ${ended.text}`)
      }
    })
    const first = { CLIENT_ID: betaSettings().CLIENT_ID, CLIENT_SECRET: betaSettings().CLIENT_SECRET }
    for (const client of [secondClient, first, secondClient]) {
      const before = actions.length
      await expect.poll(() => actions.length).toBeGreaterThan(before + 6)
      const changed = await as('PATCH', '/providers/beta', { settings: client, force: true })
      expect(changed.status, changed.text).toBe(200)
      const after = actions.length
      await expect.poll(() => actions.length).toBeGreaterThan(after + 6)
      await other.vinculum.runJob('reload-providers')
    }
    isOver = true
    await Promise.all(signingIn)
    expect(new Set(actions)).toEqual(new Set(['created_new_user']))
  })

  test('other nodes follow at their next poll; disabling ends sign-ins in progress', async () => {
    await added()
    const other = await world.another()
    expect(await offered(other.base)).toContain('acme')
    const begun = await world.begin('acme')
    const back = await world.approve(begun.url, world.newcomer())
    const disabled = await as('POST', '/providers/acme/disable')
    expect(disabled.body).toMatchObject({ enabled: false, in_use: false })
    expect(await offered()).not.toContain('acme')
    await other.vinculum.runJob('reload-providers')
    expect(await offered(other.base)).not.toContain('acme')
    expect(refusalOf(await world.finish(begun, back))).toEqual([404, 'provider_not_found'])
    const metrics = async () => (await world.call('GET', '/metrics')).text
    expect(await metrics()).not.toContain('vinculum_circuit_breaker_state{provider="acme"')
    await as('POST', '/providers/acme/enable')
    expect(await metrics()).toContain('vinculum_circuit_breaker_state{provider="acme"')
  })

  test('a stored secret is not sent to another address', async () => {
    await added()
    for (const change of [
      { ISSUER: 'https://elsewhere.example' },
      { TOKEN_URL: 'https://elsewhere.example/token' },
      { DISCOVERY_URL: 'https://elsewhere.example/.well-known/openid-configuration' },
      { REVOKE_URL: 'https://elsewhere.example/revoke' },
    ]) {
      const refused = await as('PATCH', '/providers/acme', { settings: change, force: true })
      expect(refusalOf(refused), JSON.stringify(change)).toEqual([400, 'provider_secret_required'])
    }
    const dead = { ISSUER: `${world.sandbox.url}/nowhere`, CLIENT_SECRET: settings().CLIENT_SECRET }
    expect((await as('PATCH', '/providers/acme', { settings: dead })).body).toMatchObject({ draft: { version: 2 } })
    // An issuer whose discovery fails stays a draft, whatever is forced.
    expect(refusalOf(await as('POST', '/providers/acme/publish', { force: true }))).toEqual([
      409,
      'provider_discovery_failed',
    ])
    expect(authOf(await world.enter('acme', world.newcomer())).action).toBe('created_new_user')
  })

  test('two administrators do not overwrite each other', async () => {
    const { revision } = await added()
    expect((await as('PATCH', '/providers/acme', { settings: { NAME: 'One' }, revision })).status).toBe(200)
    const late = await as('PATCH', '/providers/acme', { settings: { NAME: 'Two' }, revision })
    expect(refusalOf(late)).toEqual([409, 'provider_changed'])
    expect((await as('GET', '/providers/acme')).body).toMatchObject({ draft: { settings: { NAME: 'One' } } })
  })

  test('an earlier version comes back as a draft, with its secret', async () => {
    await added()
    await as('PATCH', '/providers/acme', { settings: { NAME: 'Renamed' }, force: true })
    expect((await as('GET', '/providers/acme')).body).toMatchObject({ name: 'Renamed' })
    const restored = await as('POST', '/providers/acme/versions/1/restore')
    expect(restored.body).toMatchObject({
      draft: { version: 3, settings: { NAME: 'Acme ID' }, secrets: ['CLIENT_SECRET'] },
    })
    const versions = listIn(await as('GET', '/providers/acme/versions'))
    expect(versions.map(({ version, state }) => [version, state])).toEqual([
      [3, 'draft'],
      [2, 'live'],
      [1, 'former'],
    ])
    expect((await as('POST', '/providers/acme/publish', { force: true })).status).toBe(200)
    expect(authOf(await world.enter('acme', world.newcomer())).action).toBe('created_new_user')
    const none = await as('POST', '/providers/acme/versions/9/restore')
    expect(refusalOf(none)).toEqual([404, 'provider_version_not_found'])
  })

  const trying = async (who: string) => {
    const begun = await as('POST', '/providers/acme/try')
    expect(begun.status, begun.text).toBe(200)
    const back = await world.approve(String(begun.body.authorize_url), who)
    const body = world.handedIn(back, { flowToken: String(begun.body.flow_token) })
    return { body, finished: () => as('POST', '/auth/acme/callback', body) }
  }

  test('its author tries a draft, which creates nothing, and then makes it live', async () => {
    await gone()
    await as('POST', '/providers', { id: 'acme', kind: 'oidc', settings: settings() })
    const who = world.newcomer()
    const before = await world.dump()
    const { body, finished } = await trying(who)
    // Only the administrator who began it finishes it.
    const other = await world.signIn('google', world.newcomer())
    const stolen = await world.call('POST', '/auth/acme/callback', { body, token: other.access_token })
    expect(refusalOf(stolen)).toEqual([400, 'flow_mismatch'])
    expect(refusalOf(await finished())).toEqual([400, 'state_already_used'])
    const again = await (await trying(who)).finished()
    expect([again.status, again.body], again.text).toEqual([200, { provider: 'acme', tried: true }])
    const after = await world.dump()
    expect(after.identities?.length).toBe((before.identities?.length ?? 0) + 1)
    expect(after.grants?.length).toBe((before.grants?.length ?? 0) + 1)
    const result = await as('GET', '/providers/acme/try')
    expect(result.body).toMatchObject({
      outcome: 'signed_in',
      claims: { email: world.emailOf(who), email_verified: true },
      email_trusted: false,
      decision: { action: 'created_new_user', account: null },
    })
    expect(JSON.stringify(await world.dump())).not.toContain(
      String((result.body.claims as { subject: string }).subject),
    )
    world.turn(3700)
    expect(refusalOf(await as('GET', '/providers/acme/try'))).toEqual([401, 'token_expired'])
    token = (await world.signIn('google', administrator)).access_token
    expect(refusalOf(await as('GET', '/providers/acme/try'))).toEqual([404, 'provider_trial_not_found'])
    await world.vinculum.runJob('sweep-expired')
    expect((await world.dump('provider_versions')).provider_versions?.map(({ trial }) => trial)).toEqual([null])
    expect((await as('POST', '/providers/acme/enable')).body).toMatchObject({ enabled: true, live: { version: 1 } })
    expect(authOf(await world.enter('acme', who)).action).toBe('created_new_user')
  })

  test('a trial that fails is shown to the administrator, and the draft stays a draft', async () => {
    await added()
    await as('PATCH', '/providers/acme', { settings: { CLIENT_SECRET: 'not-the-secret-of-the-sandbox' } })
    const failed = await (await trying(world.newcomer())).finished()
    expect(refusalOf(failed)).toEqual([502, 'token_exchange_failed'])
    expect((await as('GET', '/providers/acme/try')).body).toMatchObject({
      outcome: 'failed',
      code: 'token_exchange_failed',
      version: 2,
    })
    expect(refusalOf(await as('POST', '/providers/acme/publish'))).toEqual([409, 'provider_not_tried'])
    expect(authOf(await world.enter('acme', world.newcomer())).action).toBe('created_new_user')
  })

  test('shows who could not sign in any longer, by the rules of unlinking', async () => {
    await added()
    const only = [world.newcomer(), world.newcomer(), world.newcomer()]
    for (const who of only) await world.signIn('acme', who)
    const both = world.newcomer()
    const { access_token } = await world.signIn('google', both)
    expect((await world.enter('acme', both, { intent: 'link', token: access_token })).status).toBe(200)
    const ids = new Set<string>()
    let cursor = ''
    for (let page = 0; page < 9; page++) {
      const shown = await as('GET', `/providers/acme/impact?limit=2${cursor && `&cursor=${cursor}`}`)
      for (const { email } of shown.body.accounts as { email: string }[]) ids.add(email)
      cursor = String(shown.body.next_cursor ?? '')
      if (cursor === '') break
    }
    for (const who of only) expect(ids).toContain(world.emailOf(who))
    expect(ids).not.toContain(world.emailOf(both))
    expect((await as('GET', '/providers/acme/impact')).body).toMatchObject({ affected: ids.size, complete: true })
  })

  test('deleting keeps identities, which work again; grants are withdrawn on request', async () => {
    await added()
    const who = world.newcomer()
    const { user } = await world.signIn('acme', who)
    expect((await as('DELETE', '/providers/acme')).status).toBe(204)
    expect(refusalOf(await as('GET', '/providers/acme'))).toEqual([404, 'provider_not_found'])
    expect(await offered()).not.toContain('acme')
    await added()
    expect(authOf(await world.enter('acme', who))).toMatchObject({ action: 'login_existing', user: { id: user.id } })

    const before = world.sandbox.journal.calls('oidc', 'revoke').length
    expect((await as('DELETE', '/providers/acme?withdraw=true')).status).toBe(204)
    expect(await offered()).not.toContain('acme')
    const early = await as('POST', '/providers', { id: 'acme', kind: 'oidc', settings: settings() })
    expect(refusalOf(early)).toEqual([409, 'provider_exists'])
    await world.vinculum.runJob('delete-providers')
    for (let round = 0; round < 5; round++) {
      await world.vinculum.runJob('revoke-at-provider')
      world.turn(120)
    }
    expect(world.sandbox.journal.calls('oidc', 'revoke').length).toBeGreaterThan(before)
    await world.vinculum.runJob('delete-providers')
    expect((await world.dump('providers')).providers).toEqual([])
    token = (await world.signIn('google', administrator)).access_token
  })

  test('each deletion withdraws the grants of its time, although another node finished the one before', async () => {
    const nodes = [world.vinculum, (await world.another()).vinculum]
    for (const finishing of [1, 0]) {
      await added()
      for (const node of nodes) await node.runJob('reload-providers')
      await world.signIn('acme', world.newcomer())
      const before = world.sandbox.journal.calls('oidc', 'revoke').length
      expect((await as('DELETE', '/providers/acme?withdraw=true')).status).toBe(204)
      for (const node of nodes) {
        await node.runJob('reload-providers')
        await node.runJob('delete-providers')
      }
      for (let round = 0; round < 5; round++) {
        await world.vinculum.runJob('revoke-at-provider')
        world.turn(120)
      }
      expect(world.sandbox.journal.calls('oidc', 'revoke').length).toBeGreaterThan(before)
      await nodes[finishing]?.runJob('delete-providers')
      expect((await world.dump('providers')).providers).toEqual([])
      token = (await world.signIn('google', administrator)).access_token
    }
  })

  test('tokens that users granted are not sent to endpoints that an administrator changed', async () => {
    await added('beta')
    const { access_token } = await world.signIn('beta', world.newcomer())
    const [identity] = listIn(await world.call('GET', '/me/identities', { token: access_token }))
    const elsewhere = `${world.sandbox.url}/elsewhere`
    const moved = await as('PATCH', '/providers/beta', {
      settings: {
        TOKEN_URL: `${elsewhere}/token`,
        USERINFO_URL: `${elsewhere}/userinfo`,
        REVOKE_URL: `${elsewhere}/revoke`,
        CLIENT_SECRET: 'a-made-up-secret-of-an-attacker',
      },
      force: true,
    })
    expect(moved.status, moved.text).toBe(200)
    const profile = await world.call('GET', `/me/identities/${identity?.id}/profile`, { token: access_token })
    expect(profile.status).not.toBe(200)
    world.turn(1000)
    for (const job of ['renew-provider-tokens', 'revoke-at-provider']) await world.vinculum.runJob(job)
    const failures = world.logged.filter((line) => line.includes('provider.call_') && line.includes('"beta"'))
    expect(failures).toEqual([])
  })

  test('a user ID from other endpoints, or at another path, is another person', async () => {
    await added('beta')
    const who = world.newcomer()
    const { user } = await world.signIn('beta', who)
    const again = () => world.enter('beta', who)
    expect(authOf(await again())).toMatchObject({ action: 'login_existing', user: { id: user.id } })
    const { USERINFO_URL, USER_ID_PATH } = betaSettings()
    const secret = { CLIENT_SECRET: betaSettings().CLIENT_SECRET }
    for (const change of [
      { USERINFO_URL: `${USERINFO_URL}?of=others` },
      { USERINFO_URL, USER_ID_PATH: 'data.user.label' },
    ]) {
      const changed = await as('PATCH', '/providers/beta', { settings: { ...change, ...secret }, force: true })
      expect(changed.status, changed.text).toBe(200)
      // Only the email address leads to the account, and it proves nothing here.
      expect(refusalOf(await again())).toEqual([409, 'account_conflict'])
    }
    // What asserts the subject is as it was: so is the person, although the consent page is another one.
    const back = { USER_ID_PATH, AUTHORIZE_URL: `${betaSettings().AUTHORIZE_URL}?theme=dark`, ...secret }
    expect((await as('PATCH', '/providers/beta', { settings: back, force: true })).status).toBe(200)
    expect(authOf(await again())).toMatchObject({ action: 'login_existing', user: { id: user.id } })
  })

  test('deleted settings finish no sign-in, although the same provider was added again', async () => {
    await added('beta')
    const begun = await world.begin('beta')
    const back = await world.approve(begun.url, world.newcomer())
    expect((await as('DELETE', '/providers/beta')).status).toBe(204)
    const data = { id: 'beta', kind: 'oauth2', settings: betaSettings() }
    expect((await as('POST', '/providers', data)).status).toBe(201)
    expect((await as('POST', '/providers/beta/enable', { force: true })).status).toBe(200)
    expect(refusalOf(await world.finish(begun, back))).toEqual([400, 'flow_mismatch'])
  })

  test('a secret that is sent is a change, also if it is the stored one: nobody can guess it unseen', async () => {
    const { revision } = await added()
    for (const [at, secret] of [settings().CLIENT_SECRET, 'a-guess-at-the-stored-secret'].entries()) {
      const sent = await as('PATCH', '/providers/acme', { settings: { CLIENT_SECRET: secret } })
      expect(sent.body).toMatchObject({ draft: { version: 2 + at }, revision: Number(revision) + 1 + at })
      const audited = (await world.trail()).findLast(({ event }) => event === 'provider.updated')
      expect(typeof audited?.data === 'string' ? JSON.parse(audited.data) : audited?.data).toMatchObject({
        version: 2 + at,
        changes: [{ setting: 'CLIENT_SECRET', before: null, after: 'changed' }],
      })
    }
  })

  test('a secret that no key opens is reported, and can be repaired by sending it again', async () => {
    await added()
    await as('PATCH', '/providers/acme', { settings: { NAME: 'Renamed' } })
    expect((await (await trying(world.newcomer())).finished()).status).toBe(200)
    await world.operator("update provider_versions set secret = 'unreadable', trial = 'unreadable'")
    expect(refusalOf(await as('GET', '/providers/acme/try'))).toEqual([404, 'provider_trial_not_found'])
    const renamed = await as('PATCH', '/providers/acme', { settings: { NAME: 'Again' } })
    expect(refusalOf(renamed)).toEqual([400, 'invalid_request'])
    expect((renamed.body.errors as { path: string }[]).map(({ path }) => path)).toEqual(['settings.CLIENT_SECRET'])
    const restored = await as('POST', '/providers/acme/versions/1/restore')
    expect(refusalOf(restored)).toEqual([400, 'provider_secret_required'])
    const { CLIENT_SECRET } = settings()
    const repaired = await as('PATCH', '/providers/acme', { settings: { CLIENT_SECRET }, force: true })
    expect(repaired.status, repaired.text).toBe(200)
    expect(authOf(await world.enter('acme', world.newcomer())).action).toBe('created_new_user')
  })

  test('shows all redirect URIs to register, also those of a draft', async () => {
    await gone()
    const REDIRECT_URIS = 'mobile=com.example.app:/callback'
    const made = await as('POST', '/providers', {
      id: 'acme',
      kind: 'oidc',
      settings: { ...settings(), REDIRECT_URIS },
    })
    expect(made.status, made.text).toBe(201)
    expect(made.body.redirect_uris).toMatchObject({ mobile: 'com.example.app:/callback' })
  })

  test('two providers never have one issuer, live or as a draft', async () => {
    const { ISSUER, ...client } = settings()
    const issuerOf = (one: string) => `${ISSUER}/${one}`
    const secretless = { CLIENT_ID: 'c', PKCE: 'without_secret' }
    const faultsOf = ({ body }: { body: Record<string, unknown> }) =>
      (body.errors as { path: string }[] | undefined)?.map(({ path }) => path)
    const add = (id: string, given: object) => as('POST', '/providers', { id, kind: 'oidc', settings: given })
    const taken = ['settings.ISSUER']
    await added()
    // One is live, with a draft that has another issuer. One has no secret.
    const { CLIENT_SECRET } = client
    const moved = await as('PATCH', '/providers/acme', { settings: { ISSUER: issuerOf('moved'), CLIENT_SECRET } })
    expect(moved.status, moved.text).toBe(200)
    const public_ = await add('public', { ...secretless, ISSUER: issuerOf('public') })
    expect(public_.status, public_.text).toBe(201)
    for (const issuer of [ISSUER, issuerOf('moved'), issuerOf('public')])
      expect(faultsOf(await add('second', { ...client, ISSUER: issuer })), issuer).toEqual(taken)
    // Another way brought it here: it does not become live.
    expect((await add('second', { ...client, ISSUER: issuerOf('second') })).status).toBe(201)
    const text = (issuer: string) => JSON.stringify({ CLIENT_ID: client.CLIENT_ID, NAME: 'Second', ISSUER: issuer })
    await world.operator(`update provider_versions set settings = '${text(ISSUER)}' where provider_id = 'second'`)
    const published = await as('POST', '/providers/second/publish', { force: true })
    expect(faultsOf(published), published.text).toEqual(taken)
  })

  test('administrators are notified of an expiring client secret, once for each number of days', async () => {
    await added()
    const address = world.emailOf(administrator)
    const in40Days = new Date(world.clock().getTime() + 40 * 86_400_000).toISOString()
    expect((await as('PATCH', '/providers/acme', { secret_expires_at: in40Days })).status).toBe(200)
    const notices = async () => {
      for (let round = 0; round < 2; round++) await world.vinculum.runJob('notify-expiring-secrets')
      return (await world.mailTo(address)).filter(({ subject }) => subject.includes('client secret')).length
    }
    expect(await notices()).toBe(0)
    for (const [days, count] of [
      [11, 1],
      [22, 2],
      [6, 3],
    ] as const) {
      world.turn(days * 86_400)
      expect(await notices()).toBe(count)
    }
    token = (await world.signIn('google', administrator)).access_token
  })

  test('the same ID in the environment and here stops the start', async () => {
    await added()
    await expect(world.another(world.sandbox.envOf(['oidc']))).rejects.toThrow(
      /ACME_CLIENT_ID: .*also added at run time/,
    )
  })

  test('only administrators who signed in recently may write', async () => {
    const other = await world.signIn('google', world.newcomer())
    const refused = await world.call('GET', '/providers', { token: other.access_token })
    expect(refusalOf(refused)).toEqual([403, 'insufficient_scope'])
  })
})

test('another process on the same PostgreSQL database follows by itself', async () => {
  const world = await startWorld({
    database: 'PostgreSQL',
    kinds: ['google'],
    env: {
      OIDC_PROVIDERS: '',
      OAUTH2_PROVIDERS: '',
      PROVIDERS_ALLOW_PRIVATE_ADDRESSES: 'on',
    },
  })
  const port = await freePort()
  const process = startService({
    NODE_ENV: 'test',
    PORT: String(port),
    DATABASE_URL: world.databaseUrl,
    ENCRYPTION_KEYS: `k1:${encryptionKey.toString('base64')}`,
    RATE_LIMITS: 'off',
    PROVIDERS_ALLOW_PRIVATE_ADDRESSES: 'on',
  })
  try {
    await process.listening
    const there = async () =>
      listIn(await world.call('GET', '/auth/providers', { at: `http://127.0.0.1:${port}` })).map(({ id }) => id)
    const admin = await world.signIn('google', world.newcomer())
    await world.vinculum.makeAdministrator(admin.user.id)
    const as = (path: string, body: object) => world.call('POST', path, { token: admin.access_token, body })
    expect(await there()).not.toContain('plain')
    const endpoints = {
      AUTHORIZE_URL: `${world.base}/a`,
      TOKEN_URL: `${world.base}/t`,
      USERINFO_URL: `${world.base}/u`,
    }
    const settings = { CLIENT_ID: 'c', CLIENT_SECRET: 'the-secret-of-a-client', USER_ID_PATH: 'id', ...endpoints }
    expect((await as('/providers', { id: 'plain', kind: 'oauth2', settings })).status).toBe(201)
    expect((await as('/providers/plain/enable', { force: true })).status).toBe(200)
    // Nothing tells that process: it asks the database each second.
    await expect.poll(there, { interval: 50 }).toContain('plain')
    expect((await as('/providers/plain/disable', {})).status).toBe(200)
    await expect.poll(there, { interval: 50 }).not.toContain('plain')
  } finally {
    process.process.kill('SIGTERM')
    await process.ended
    await world.stop()
  }
})
