import request from 'supertest'
import { describe, expect, test } from 'vitest'
import { scopes } from '../../src/accounts/roles.ts'
import { fail } from '../../src/errors/catalogue.ts'
import { apiRoutes } from '../../src/http/api/index.ts'
import { createCsrf } from '../../src/http/csrf.ts'
import { pageRoutes } from '../../src/http/pages/index.ts'
import { type Principal, type Route, route } from '../../src/http/route.ts'
import { ok } from '../../src/kernel/result.ts'
import { anAccount } from '../support/people.ts'
import { createSurface } from './surface.tsx'

/** Every form of the service on a small test server; no handler runs, since each request has an unknown field. */
const posts = [...apiRoutes, ...pageRoutes].filter(({ surface, method }) => surface === 'browser' && method !== 'get')
const forms = posts.filter(({ fromAnotherSite }) => !fromAnotherSite)
/** The pages that forms name as theirs. Here they show nothing, so a refusal is answered by itself. */
const ownPages = [...new Set(forms.flatMap(({ shownOn }) => shownOn ?? []))].map((path) =>
  route({
    method: 'get',
    path,
    tag: 'Pages',
    surface: 'browser',
    auth: 'public',
    limit: 'public',
    summary: 'A page',
    fails: ['not_found'],
    handle: () => fail('not_found'),
  }),
)

test('the only forms that other sites send are the callback of a provider and the requests of applications', () => {
  const foreign = posts.filter(({ fromAnotherSite }) => fromAnotherSite)
  expect(foreign.map(({ path, auth }) => [path, auth])).toEqual([
    ['/auth/:provider/callback', 'none'],
    ['/oauth/authorize', 'none'],
    ['/oauth/logout', 'none'],
  ])
})

const publicUrl = new URL('http://localhost:3000')
const csrf = createCsrf({ publicUrl, key: Buffer.alloc(32, 7) })
const session = 's'.repeat(43)
const visitor = 'v'.repeat(43)
const administrator: Principal = {
  account: anAccount(),
  accountId: 'usr_1',
  subject: 'usr_1',
  sessionId: 'ses_1',
  generation: null,
  amr: ['pwd'],
  authTime: new Date('2030-01-01T11:59:00Z'),
  scopes,
  via: 'cookie',
  application: null,
  dpopKey: null,
}
const { app } = createSurface({
  routes: [...forms, ...ownPages] as readonly Route<unknown>[],
  authenticate: { bearer: () => ok(administrator), cookie: () => ok(administrator), dpopKey: async () => undefined },
  rateLimits: null,
})

const origins = [undefined, 'null', publicUrl.origin, 'https://evil.example', 'http://localhost:3001']
const sites = [undefined, 'same-origin', 'none', 'same-site', 'cross-site', 'something-new']
const given = ['its own', 'that of another browser', 'none'] as const
type Sent = readonly [origin: string | undefined, site: string | undefined, token: (typeof given)[number]]
const everyCombination: readonly Sent[] = origins.flatMap((origin) =>
  sites.flatMap((site) => given.map((token) => [origin, site, token] as const)),
)
/** Each header and each token once, with all else as a browser sends it from our own page. */
const eachAlone: readonly Sent[] = [
  ...origins.map((origin) => [origin, 'same-origin', 'its own'] as const),
  ...sites.map((site) => [publicUrl.origin, site, 'its own'] as const),
  ...given.map((token) => [publicUrl.origin, 'same-origin', token] as const),
  [undefined, undefined, 'its own'],
  [undefined, undefined, 'none'],
]
/**
 * One guard stands before all forms (`checks.ts`) and sees only this of a form. One form of each kind is sent in every
 * combination.
 */
const kindOf = ({ auth, body, upload, json, bodyOptional, anyOrigin }: Route<never>): string =>
  JSON.stringify([auth, body !== undefined, upload, json, bodyOptional, anyOrigin])
const firstOfItsKind = new Set(new Map([...forms].reverse().map((form) => [kindOf(form), form])).values())

/** The rule of the contract (§1): a foreign header is always refused. Otherwise the token decides. */
const isForeign = (origin: string | undefined, site: string | undefined): boolean =>
  ['https://evil.example', 'http://localhost:3001'].includes(origin ?? '') ||
  ['same-site', 'cross-site', 'something-new'].includes(site ?? '')

const ids: Readonly<Record<string, readonly string[]>> = {
  provider: ['google'],
  ticket: ['t'.repeat(43)],
  version: ['1'],
  picture: ['logo'],
}
/** The path with parameter values its schema accepts. */
function pathOf({ path, params }: Route<never>): string {
  if (!params) return path
  const candidates = ['idn', 'ses', 'usr', 'team', 'inv', 'svc', 'psk', 'pky'].map(
    (kind) => `${kind}_${'0'.repeat(32)}`,
  )
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => String(name))
  let found: readonly Record<string, string>[] = [{}]
  for (const name of names) {
    found = found.flatMap((given) => (ids[name] ?? candidates).map((value) => ({ ...given, [name]: value })))
  }
  const fitting = found.find((given) => params.safeParse(given).success)
  if (!fitting) throw new Error(`no parameters fit ${path}`)
  return path.replace(/:(\w+)/g, (_, name: string) => fitting[name] ?? '')
}

describe.each(forms.map((form) => [form.path, form] as const))('the form %s', (_, form) => {
  const path = pathOf(form)
  /** As a browser sends it: with a file, in parts. */
  const filled = (token: string | undefined) => {
    const fields = { unknown_field: '1', ...(token === undefined ? {} : { csrf: token }) }
    const sent = request(app).post(path)
    return form.upload ? sent.field(fields) : sent.type('form').send(fields)
  }
  const people = [
    ['session', `vinculum_session=${session}`, csrf.token('session', session)],
    ...(form.auth === 'public' || form.auth === 'none'
      ? ([['visitor', `vinculum_csrf=${visitor}`, csrf.token('visitor', visitor)]] as const)
      : []),
  ] as const

  test.each(people)('is accepted with the token of a %s, unless a header is foreign', async (_, cookie, token) => {
    const tokens = {
      'its own': token,
      'that of another browser': csrf.token('visitor', 'o'.repeat(43)),
      none: undefined,
    }
    for (const [origin, site, which] of firstOfItsKind.has(form) ? everyCombination : eachAlone) {
      const sent = filled(tokens[which]).set('Cookie', cookie)
      if (origin !== undefined) sent.set('Origin', origin)
      if (site !== undefined) sent.set('Sec-Fetch-Site', site)
      const answer = await sent
      const accepted = which === 'its own' && !isForeign(origin, site)
      const outcome = [origin, site, which, answer.status, answer.body.code]
      expect(outcome).toEqual([origin, site, which, ...(accepted ? [400, 'invalid_request'] : [403, 'csrf_failed'])])
    }
  })
  test('is refused where the browser lacks the cookie its token belongs to', async () => {
    for (const [, , token] of people) {
      const answer = await filled(token).set('Origin', 'null')
      expect([answer.status, answer.body.code]).toEqual(
        form.auth === 'user' || form.auth === 'recent' ? [401, 'authentication_required'] : [403, 'csrf_failed'],
      )
    }
  })
})

test('the checked forms include those for visitors without a session', () => {
  const sessionless = forms.filter(({ auth }) => auth === 'public' || auth === 'none').map(({ path }) => path)
  expect(sessionless).toEqual(
    expect.arrayContaining([
      '/login/password',
      '/login/passkey',
      '/login/email',
      '/login/email/code',
      '/login/email/link',
      '/login/second-factor',
      '/register',
      '/forgot-password',
      '/reset-password',
      '/accept-invitation',
      '/accept-invitation/without-password',
      '/auth/conflicts/:ticket',
    ]),
  )
})
