import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { CLIENTS } from '../../sandbox/providers/index.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import {
  authOf,
  cookiesOf,
  databases,
  encryptionKey,
  listIn,
  pkce,
  providers,
  refusalOf,
  sandboxName,
  startWorld,
  type World,
} from '../support/service.ts'

type Kind =
  | 'provider token'
  | 'client secret'
  | 'verifier'
  | 'code'
  | 'state'
  | 'flow token'
  | 'ticket'
  | 'session cookie'
  | 'access token'
  | 'refresh token'
  | 'sign-in code'
  | 'encryption key'
  | 'echo'

const app = 'https://app.example.com/in'

/** Text that a provider puts where it should not, and hostile input. */
const echo = (n: number): string => `planted-secret-${n}-${'q'.repeat(24)}`

/** A long tour through all features, which collects every secret on the way. */
async function walk(world: World): Promise<ReadonlyMap<string, Kind>> {
  const secrets = new Map<string, Kind>()
  const keep = (kind: Kind, ...values: readonly unknown[]): void => {
    for (const value of values) if (typeof value === 'string' && value.length >= 10) secrets.set(value, kind)
  }
  for (const { secret } of Object.values(CLIENTS)) keep('client secret', secret)
  keep(
    'encryption key',
    encryptionKey.toString('base64'),
    encryptionKey.toString('hex'),
    encryptionKey.toString('base64url'),
  )

  /** Records every token the providers issue, unchanged. */
  const tap = (): void => {
    for (const provider of providers)
      world.sandbox.fault(
        { provider: sandboxName[provider], endpoint: 'token' },
        {
          kind: 'mutate',
          change: (body) => {
            keep('provider token', body.access_token, body.refresh_token, body.id_token)
            return body
          },
        },
      )
  }
  tap()

  // Sign in with each provider, as an app and in a browser; link, read, renew.
  for (const provider of providers) {
    const who = world.newcomer()
    const { access_token: token, refresh_token } = await world.signIn(provider, who)
    const browser = world.openBrowser()
    await browser.signIn(provider, who)
    await browser.ask(`${world.base}/account`)
    const other = provider === 'github' ? 'google' : 'github'
    await world.enter(other, who, { intent: 'link', token })
    for (const { id } of listIn(await world.call('GET', '/me/identities', { token })))
      await world.call('GET', `/me/identities/${id}/profile`, { token })
    for (const path of ['/me', '/me/activity', '/me/sessions', '/me/methods']) await world.call('GET', path, { token })
    const renewed = await world.call('POST', '/auth/refresh', { body: { refresh_token } })
    await world.call('POST', '/auth/token', {
      form: { grant_type: 'refresh_token', refresh_token: String(renewed.body.refresh_token) },
    })
    expect(refusalOf(await world.call('POST', '/auth/refresh', { token: refresh_token }))).toEqual([
      401,
      'token_reused',
    ])
    await browser.json('POST', '/auth/refresh')
  }

  // An account conflict, resolved either way.
  for (const action of ['link', 'create']) {
    const holder = world.newcomer()
    await world.signIn('google', holder)
    const asked = await world.enter('acme', world.newcomer({ email: world.emailOf(holder) }))
    keep('ticket', asked.body.conflict_ticket)
    const { access_token: token } = await world.signIn('google', holder)
    const path = `/auth/conflicts/${asked.body.conflict_ticket}`
    await world.call('GET', path, { headers: { 'flow-token': asked.flow.flowToken } })
    expect((await world.call('POST', path, { body: { action, flow_token: asked.flow.flowToken }, token })).status).toBe(
      200,
    )
  }

  // An app on another origin.
  const { verifier, challenge } = pkce()
  keep('verifier', verifier)
  const query = { return_to: app, code_challenge: challenge, code_challenge_method: 'S256' }
  const sent = await world.openBrowser().signIn('google', world.newcomer(), query)
  const code = new URL(sent.headers.get('location') ?? '').searchParams.get('code') ?? ''
  keep('sign-in code', code)
  const trade = { grant_type: 'authorization_code', code, code_verifier: verifier }
  authOf(await world.call('POST', '/auth/token', { form: trade }))
  await world.call('POST', '/auth/token', { form: trade })

  // Every kind of failure, with providers that echo what they should not.
  world.sandbox.clearFaults()
  let n = 0
  const leaks = () => {
    const text = echo(++n)
    keep('echo', text)
    return { error: `e_${text}`, error_description: text, message: text, access_token: undefined }
  }
  for (const provider of providers) {
    const name = sandboxName[provider]
    for (const endpoint of ['token', 'userinfo'] as const) {
      for (const status of [200, 400, 401, 403, 500]) {
        world.sandbox.fault({ provider: name, endpoint }, { kind: 'status', status, body: leaks() })
        expect((await world.enter(provider, world.newcomer())).status).toBeGreaterThanOrEqual(400)
        world.sandbox.clearFaults(name)
      }
    }
    const flow = await world.begin(provider)
    const back = await world.approve(flow.url, world.newcomer())
    await world.finish({ ...flow, flowToken: 'another' }, back)
    await world.openBrowser().ask(back)
    world.turn(301)
    await world.finish(flow, back)
    await world.call('GET', `${back.pathname}${back.search}`)
    await world.call(
      'GET',
      `/auth/${provider}/callback?error=${echo(0)}&error_description=${echo(0)}&state=${flow.state}`,
    )
  }
  keep('echo', echo(0))
  // Secrets in the wrong fields.
  const { access_token: token, refresh_token } = await world.signIn('google', world.newcomer())
  for (const secret of [token, refresh_token, echo(0)]) {
    await world.call('GET', `/me?access_token=${secret}`)
    await world.call('GET', `/${secret}`)
    await world.call('GET', `/auth/conflicts/${secret}`)
    await world.call('GET', `/auth/${secret}`)
    await world.call('GET', '/me', { token: `${secret}x` })
    await world.call('POST', '/auth/refresh', { body: `{"refresh_token": "${secret}"` })
    await world.call('POST', '/auth/revoke', { form: { token: `${secret}y` } })
    await world.call('GET', '/me', { headers: { cookie: `vinculum_session=${secret}`, 'user-agent': 'x' } })
  }

  // Withdraw permissions while the provider does not respond at first.
  tap()
  const leaving = world.newcomer()
  const { access_token: last } = await world.signIn('google', leaving)
  for (const provider of ['github', 'atlassian', 'acme', 'beta'] as const)
    await world.enter(provider, leaving, { intent: 'link', token: last })
  world.sandbox.fault({ provider: 'oauth2', endpoint: 'revoke' }, { kind: 'status', status: 503, body: leaks() })
  for (const { id, provider } of listIn(await world.call('GET', '/me/identities', { token: last })))
    if (provider === 'beta' || provider === 'github')
      await world.call('DELETE', `/me/identities/${id}`, { token: last })
  await world.vinculum.runJob('revoke-at-provider')
  await world.vinculum.rotateSigningKeys()
  const gone = world.newcomer()
  const { access_token: goodbye } = await world.signIn('google', gone)
  await world.call('DELETE', '/me', { token: goodbye })
  await world.vinculum.runJob('revoke-at-provider')
  // A renewal that fails, and one that succeeds.
  world.turn(3700)
  const { access_token: later } = await world.signIn('google', leaving)
  const atlassian = listIn(await world.call('GET', '/me/identities', { token: later })).find(
    (one) => one.provider === 'atlassian',
  )
  await world.call('GET', `/me/identities/${atlassian?.id}/profile`, { token: later })
  world.turn(3700)
  world.sandbox.fault({ provider: 'atlassian', endpoint: 'token' }, { kind: 'status', status: 400, body: leaks() })
  const { access_token: latest } = await world.signIn('google', leaving)
  await world.call('GET', `/me/identities/${atlassian?.id}/profile`, { token: latest })

  // What the tour collected.
  for (const { body, endpoint, query: asked } of world.sandbox.journal) {
    keep('verifier', body.code_verifier)
    if (endpoint === 'token') keep('code', body.code)
    if (endpoint === 'token' || endpoint === 'revoke')
      keep('provider token', body.refresh_token, body.token, body.access_token)
    if (endpoint === 'authorize') keep('state', asked.state)
  }
  for (const { headers, text } of world.seen) {
    for (const [name, value] of Object.entries(cookiesOf(headers)))
      keep(name === 'vinculum_session' ? 'session cookie' : 'flow token', value)
    if (!text.startsWith('{')) continue
    const said = JSON.parse(text) as Record<string, unknown>
    keep('flow token', said.flow_token)
    keep('state', said.state)
    keep('ticket', said.conflict_ticket)
    keep('access token', said.access_token)
    keep('refresh token', said.refresh_token)
  }
  return secrets
}

/** The places where a secret may be returned to its owner. */
const belongs: Readonly<Partial<Record<Kind, (path: string, where: 'body' | 'location') => boolean>>> = {
  'access token': (path, where) => where === 'body' && /\/(token|refresh|callback|conflicts\/[^/]+)$/.test(path),
  'refresh token': (path, where) => where === 'body' && /\/(token|refresh|callback|conflicts\/[^/]+)$/.test(path),
  'flow token': (path, where) => where === 'body' && path.endsWith('/authorize'),
  // In the URL of the provider, and in no URL of ours.
  state: (path, where) =>
    path.endsWith('/authorize') || (where === 'location' && /^\/auth\/[a-z]+(\/link)?$/.test(path)),
  ticket: (path, where) => path.endsWith('/callback') || (where === 'body' && path.startsWith('/auth/conflicts/')),
  'sign-in code': (path, where) => where === 'location' && path.endsWith('/callback'),
}

const shown = (secret: string): string => `${secret.slice(0, 6)}… (${secret.length})`

test.each(databases)('no secret is stored or logged in plain text after a long tour on %s', async (database) => {
  const made: string[] = []
  const world = await startWorld({
    database,
    env: { RETURN_TO_ALLOWED: app, METRICS_TOKEN: 'metrics-token-metrics-token' },
    random: (bytes) => {
      const value = systemRandom(bytes)
      // Values of 256 bits are our secrets: a state, a binding, a cookie, a code, a key.
      if (bytes === 32) made.push(value.toString('base64url'))
      return value
    },
  })
  try {
    const secrets = await walk(world)
    const kinds = new Set(secrets.values())
    for (const kind of [
      'provider token',
      'verifier',
      'code',
      'state',
      'flow token',
      'ticket',
      'session cookie',
    ] as const)
      expect(kinds).toContain(kind)
    expect(secrets.size).toBeGreaterThan(300)
    const found = (name: string, text: string): readonly string[] =>
      [...secrets]
        .filter(([secret]) => text.includes(secret))
        .map(([secret, kind]) => `${kind} ${shown(secret)} in ${name}`)

    const logged = world.logged.join('')
    expect(logged.length).toBeGreaterThan(10_000)
    expect(found('the log', logged)).toEqual([])
    expect(made.filter((secret) => logged.includes(secret)).map(shown)).toEqual([])

    const metrics = await world.call('GET', '/metrics', { token: 'metrics-token-metrics-token' })
    expect(metrics.text).toContain('vinculum_authentication_attempts_total')
    expect(found('the metrics', metrics.text)).toEqual([])

    for (const [table, rows] of Object.entries(await world.dump()))
      expect(rows.flatMap((row) => found(table, JSON.stringify(row)))).toEqual([])
    // Worker names and nonces of id_tokens are no secrets; every other generated value is stored hashed or encrypted.
    const open = new Set(['lease_owner', 'owner', 'nonce'])
    const columns = Object.entries(await world.dump()).flatMap(([table, rows]) =>
      rows.flatMap((row) =>
        Object.entries(row).flatMap(([column, value]) =>
          !open.has(column) && made.some((secret) => JSON.stringify(value).includes(secret))
            ? [`${table}.${column}`]
            : [],
        ),
      ),
    )
    expect([...new Set(columns)]).toEqual([])

    if (database === 'SQLite') {
      const file = world.databaseUrl.slice('file:'.length)
      for (const name of [file, `${file}-wal`, `${file}-shm`].filter((one) => existsSync(one))) {
        const bytes = readFileSync(name)
        expect(found(name, bytes.toString('latin1'))).toEqual([])
        expect(bytes.includes(encryptionKey)).toBe(false)
      }
    }

    const stray = world.seen.flatMap(({ method, path, text, headers }) =>
      (['body', 'location'] as const).flatMap((where) => {
        const content = where === 'body' ? text : (headers.get('location') ?? '')
        return [...secrets]
          .filter(([secret, kind]) => content.includes(secret) && !belongs[kind]?.(path, where))
          .map(([, kind]) => `${kind} in the ${where} of ${method} ${path.slice(0, 60)}`)
      }),
    )
    expect([...new Set(stray)]).toEqual([])
  } finally {
    await world.stop()
  }
})
