import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import supertest from 'supertest'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Identity } from '../../../src/accounts/ports.ts'
import type { AuditRecord } from '../../../src/audit/ports.ts'
import type { QueuedRevocation } from '../../../src/connections/revocation.ts'
import type { Standing } from '../../../src/connections/standing.ts'
import { type ErrorCode, texts as errors, fail, type Locale } from '../../../src/errors/catalogue.ts'
import { eventCatalogue as events } from '../../../src/events/catalogue.ts'
import type { OpenConflictView } from '../../../src/flows/resolve-conflict.ts'
import { createApp } from '../../../src/http/app.ts'
import { createCsrf } from '../../../src/http/csrf.ts'
import { errorPage, pageRoutes, staticFiles } from '../../../src/http/pages/index.ts'
import { doneMessageOf } from '../../../src/http/pages/status.ts'
import type { Principal } from '../../../src/http/route.ts'
import type { Services } from '../../../src/http/services.ts'
import { type Account, noMetadata } from '../../../src/kernel/account.ts'
import { systemRandom } from '../../../src/kernel/ids.ts'
import { ok } from '../../../src/kernel/result.ts'
import { neutralMark } from '../../../src/providers/mark.ts'
import type { Provider } from '../../../src/providers/provider.ts'
import { openidScopeTexts, scopeTextOf } from '../../../src/providers/scope-texts.ts'
import type { Session } from '../../../src/sessions/ports.ts'
import { plainBrand } from '../../support/plain-brand.ts'

const now = new Date('2030-01-01T12:00:00Z')
const publicUrl = new URL('http://localhost:3000')
const csrfKey = Buffer.alloc(32, 7)
const hostile = '"><script>alert(1)</script><img src=x onerror=alert(1)>'

const provider = (id: string, name: string, origin: string | null, more: Partial<Provider> = {}): Provider => ({
  id,
  version: null,
  name,
  permissionsUrl: null,
  issuer: id,
  speaksFor: (issuer) => issuer === id,
  clientId: 'client',
  redirectUris: { default: `${publicUrl.origin}/auth/${id}/callback` },
  mark: neutralMark,
  scopes: ['openid', 'email'],
  scopeText: (scope) => scopeTextOf(scope, openidScopeTexts),
  optionalScopes: [],
  formPost: null,
  jiraScopes: null,
  lifetime: {},
  missingScopes: () => [],
  emailTrust: 'never',
  secondFactor: 'ask',
  authorizeOrigin: () => origin,
  alsoVisited: [],
  revokes: origin === null ? null : true,
  ...more,
})
const google = provider('google', 'Google', 'https://accounts.google.com', {
  permissionsUrl: 'https://myaccount.google.com/connections',
})
const atlassian = provider('atlassian', 'Atlassian', 'https://auth.atlassian.com', {
  permissionsUrl: 'https://id.atlassian.com/manage-profile/apps',
  alsoVisited: ['https://id.atlassian.com'],
  revokes: false,
})

const ana: Account = {
  id: 'usr_ana',
  email: 'ana@example.com',
  emailVerified: false,
  name: hostile,
  picture: 'https://elsewhere.example/ana.png',
  role: 'user',
  locale: null,
  timeZone: null,
  metadata: noMetadata,
  secondFactorAt: null,
  disabledAt: null,
  createdAt: now,
  updatedAt: now,
}
const identity = (id: string, of: Provider, changes: Partial<Identity> = {}): Identity => ({
  id,
  accountId: ana.id,
  provider: of.id,
  issuer: of.id,
  subject: '1',
  email: 'ana@example.com',
  emailVerified: true,
  name: 'Ana',
  picture: null,
  scopes: ['openid', 'made:up'],
  linkedAt: now,
  lastUsedAt: now,
  ...changes,
})
const session = (id: string, userAgent: string | null): Session => ({
  id,
  accountId: ana.id,
  identityId: 'idn_1',
  provider: 'google',
  name: null,
  amr: ['fed'],
  scope: '',
  authTime: now,
  createdAt: now,
  lastSeenAt: now,
  ip: '192.0.2.1',
  userAgent,
  generation: 0,
  rotatedAt: now,
  usedGeneration: 0,
  idleExpiresAt: now,
  absoluteExpiresAt: now,
  endedAt: null,
  endReason: null,
})
const record = (id: string, event: string, data: AuditRecord['data'] = {}): AuditRecord => ({
  id,
  at: now,
  event,
  accountId: ana.id,
  ip: '192.0.2.1',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0',
  requestId: 'req_1',
  data,
})

type World = {
  providers: Provider[]
  status: 'up' | 'degraded' | 'down'
  identities: Identity[]
  standing: Partial<Standing>
  down: boolean
  waiting: QueuedRevocation[]
  sessions: Session[]
  rows: AuditRecord[]
  authTime: Date
  question: OpenConflictView | undefined
  bindings: (string | undefined)[]
  begun: string[]
  said: unknown[]
}
let world: World

const question: OpenConflictView = {
  provider: { id: 'google', name: 'Google' },
  email: 'a•••@example.com',
  methods: [{ type: 'provider', provider: 'atlassian', name: 'Atlassian' }],
  expiresAt: now,
  canCreate: true,
  proven: false,
}

beforeEach(() => {
  world = {
    providers: [google, atlassian],
    status: 'up',
    identities: [identity('idn_1', google), identity('idn_2', atlassian, { email: null, name: hostile, scopes: [] })],
    standing: {},
    down: false,
    waiting: [],
    sessions: [session('ses_2', hostile), session('ses_1', 'curl/8.5.0')],
    rows: [record('aud_1', 'authentication.succeeded', { provider: 'google' })],
    authTime: now,
    question,
    bindings: [],
    begun: [],
    said: [],
  }
})

/** Only what the pages need from the services; any other call is a defect of the test. */
function services(): Services {
  const found = {
    providers: {
      list: () => world.providers,
      get: (id: string) => world.providers.find((one) => one.id === id),
      status: () => world.status,
      begin: async ({ id }: Provider) => {
        world.begun.push(id)
        return fail('provider_unavailable', { provider: id })
      },
    },
    profiles: {
      update: async (id: string, change: unknown) => {
        world.said.push([id, change])
        return ana
      },
    },
    links: {
      list: async () => world.identities,
      methods: async () =>
        world.identities.map(({ id, provider: of }) => ({
          type: 'provider',
          provider: of,
          identityId: id,
          usable: world.providers.some((one) => one.id === of),
        })),
    },
    devices: {
      list: async () => world.sessions,
      end: async ({ id }: { id: string }) => {
        world.said.push(['end', id])
        return world.sessions.some((one) => one.id === id) ? ok(null) : fail('session_not_found')
      },
    },
    audit: {
      list: async (_: string, { before, limit }: { before: string | null; limit: number }) => {
        const from = before === null ? 0 : world.rows.findIndex(({ id }) => id === before) + 1
        return world.rows.slice(from, from + limit)
      },
    },
    standing: async ({ scopes }: Identity): Promise<Standing> => ({
      status: 'healthy',
      asked: scopes,
      granted: scopes,
      missing: [],
      expiresAt: now,
      usedAt: now,
      endsAt: null,
      lastError: null,
      ...world.standing,
    }),
    revocationsOf: async () => ({ items: world.waiting, next: null }),
    flows: {
      recordRefusedTarget: async () => {},
      begin: async ({ provider: id, returnTo }: { provider: string; returnTo?: string }) => {
        world.said.push(['begin', id, returnTo])
        return ok({
          url: new URL('https://auth.atlassian.com/authorize?x=1'),
          state: 's',
          handle: 'h2',
          binding: 'b2',
          expiresIn: 300,
        })
      },
      unlink: async ({ identityId }: { identityId: string }) => {
        world.said.push(['unlink', identityId])
        return world.identities.length > 1 ? ok(null) : fail('last_login_method')
      },
      askForMore: async (_: unknown, id: string, { scopes }: { scopes: string[] }) => {
        world.said.push(['more', id, scopes])
        return ok({
          url: new URL('https://auth.atlassian.com/authorize?x=1'),
          state: 's',
          handle: 'h2',
          binding: 'b2',
          expiresIn: 300,
        })
      },
      withdraw: {
        one: async ({ identityId }: { identityId: string }) => {
          world.said.push(['withdraw', identityId])
          return ok(null)
        },
      },
      readUserInfo: async () =>
        world.down
          ? fail('provider_unavailable', { provider: 'Google' })
          : ok({
              profile: {
                sub: '1',
                name: hostile,
                email_verified: true,
                picture: 'https://elsewhere.example/ana.png',
                x: [1],
              },
              fetchedAt: now,
              fromCache: true,
              stale: true,
            }),
      signOut: {
        here: async () => void world.said.push('signed out'),
        others: async (who: { accountId: string; sessionId: string }) =>
          void world.said.push(['others', who.accountId, who.sessionId]),
      },
      deleteAccount: async () => {
        world.said.push('deleted')
        return ok(true)
      },
      resolveConflict: {
        show: async (_: string, binding: string | undefined) => {
          world.bindings.push(binding)
          return world.question && binding === 'bound' ? ok(world.question) : fail('conflict_not_found')
        },
        answer: async (_: string, action: string, arrival: { binding: string | undefined; browser: boolean }) => {
          world.said.push([action, arrival.browser])
          if (arrival.binding !== 'bound') return fail('conflict_not_found')
          if (action === 'link' && !world.question?.proven) return fail('proof_required')
          return ok({
            tag: 'signed_in',
            account: ana,
            identity: identity('idn_1', google),
            action: 'created_new_user',
            session: session('ses_9', null),
            cookie: 'fresh',
            onward: { returnTo: 'https://app.example/cb', codeChallenge: 'c' },
          })
        },
      },
    },
    codes: { issue: async () => 'one-use' },
    tokens: {
      pair: () => ({
        access_token: 'a',
        refresh_token: 'r',
        token_type: 'bearer',
        expires_in: 1,
        refresh_expires_in: 1,
      }),
    },
    applicationAccess: { list: async () => [] },
    clock: () => now,
    settings: {
      publicUrl,
      returnToAllowed: [new URL('https://app.example/')],
      recentAuthSeconds: 600,
      sessionCookieSeconds: 60,
      flowCookieSeconds: 900,
    },
  }
  return found as unknown as Services
}

function surface() {
  const who: Principal = {
    account: ana,
    accountId: ana.id,
    subject: ana.id,
    sessionId: 'ses_1',
    generation: null,
    amr: ['fed'],
    authTime: world.authTime,
    scopes: [],
    via: 'cookie',
    application: null,
    dpopKey: null,
  }
  const { app } = createApp<Services>({
    routes: pageRoutes,
    vinculum: services(),
    publicUrl,
    applications: [],
    registeredOrigins: { refresh: async () => {}, has: () => false },
    trustProxyHops: 0,
    clock: () => now,
    random: systemRandom,
    events: { emit: () => undefined },
    requestMs: null,
    authenticate: {
      dpopKey: async () => undefined,
      bearer: async () => fail('token_invalid'),
      cookie: async (value) => (value === 'good' ? ok(who) : fail('session_expired')),
    },
    recentAuthSeconds: 600,
    rateLimits: null,
    csrfKey,
    branding: { current: () => plainBrand, load: async () => {} },
    applicationLogo: async () => undefined,
    errorPage,
    record: async () => {},
    onDefect: (error) => {
      throw error
    },
    onWarning: () => undefined,
    staticFiles,
    version: '1',
  })
  return app
}

const html = 'text/html,application/xhtml+xml,*/*;q=0.8'
const get = (path: string, { cookie = 'vinculum_session=good', locale = 'en', accept = html } = {}) =>
  supertest(surface()).get(path).set({ Accept: accept, Cookie: cookie, 'Accept-Language': locale })
const csrf = createCsrf({ publicUrl, key: csrfKey }).token('session', 'good')
const post = (path: string, fields: Record<string, string> = {}, token = csrf) =>
  supertest(surface())
    .post(path)
    .type('form')
    .set({ Accept: html, Cookie: 'vinculum_session=good; vinculum_flow_h1=bound', 'Sec-Fetch-Site': 'same-origin' })
    .send({ ...fields, csrf: token })

const ticket = 'h1.secret'
const pages = [
  '/login',
  '/account',
  '/account?done=linked',
  '/account/sign-in',
  '/account/devices',
  '/account/permissions',
  '/account/data',
  '/account/activity',
  '/account/identities/idn_1',
  '/account/identities/idn_2/unlink',
  '/account/identities/idn_1/withdraw',
  '/account/link/atlassian',
  '/account/delete',
  `/auth/conflicts/${ticket}`,
  '/nowhere',
]
const cookie = 'vinculum_session=good; vinculum_flow_h1=bound'

describe.each(['en', 'pt-BR'] as const)('every page in %s', (locale) => {
  test.each(pages)('%s loads nothing external, has only script files of ours, and has one heading', async (path) => {
    const { text: whole, headers } = await get(path, { locale, cookie })
    // Our own files only, and no inline script or style.
    const text = whole.replace(
      /<script src="\/static\/(page|webauthn|passkeys)\.[0-9a-f]{16}\.js" defer><\/script>/g,
      '',
    )
    const scripts = text === whole ? "'none'" : "'self'"
    expect(text === whole || !/^\/(nowhere|account\/link\/atlassian)$/.test(path), path).toBe(true)
    expect(text).toMatch(/^<!doctype html><html lang="/)
    expect(text).toContain(`<html lang="${locale}">`)
    expect(headers['content-language']).toBe(locale)
    expect(text.match(/<h1[ >]/g)).toHaveLength(1)
    expect(text.match(/<main[ >]/g)).toHaveLength(1)
    const levels = [...text.matchAll(/<h([1-6])[ >]/g)].map(([, level]) => Number(level))
    expect(levels.every((level, index) => level <= (levels[index - 1] ?? 0) + 1)).toBe(true)
    // A name may contain them in escaped form.
    expect(text).not.toMatch(/<script|<style|<img|<iframe|<[^>]+\s(style|on\w+)=/i)
    expect(text).not.toMatch(/undefined|\[object|NaN|\{provider\}/)
    expect(text).not.toContain('src="')
    expect([...text.matchAll(/<link [^>]*href="([^"]*)"/g)].map(([, href]) => href)).toEqual([staticFiles[0]?.path])
    expect(headers['content-security-policy']).toContain(`script-src ${scripts}; connect-src ${scripts};`)
  })

  test.each(pages)('%s has a token in every form', async (path) => {
    const { text } = await get(path, { locale, cookie })
    const forms = text.match(/<form [\s\S]*?<\/form>/g) ?? []
    for (const form of forms) {
      expect(form).toContain('method="post"')
      expect(form).toContain(`<input type="hidden" name="csrf" value="${csrf}"`)
    }
  })
})

test('no sentence of one language appears in the other', async () => {
  for (const path of pages) {
    const [english, portuguese] = await Promise.all(
      (['en', 'pt-BR'] as const).map(async (locale) => {
        const { text } = await get(path, { locale, cookie })
        return new Set([...text.matchAll(/>([^<>]{18,})</g)].map(([, sentence]) => sentence))
      }),
    )
    const shared = [...(english ?? [])].filter(
      (sentence) => portuguese?.has(sentence) && !/alert|https?:|@|192\.0\.2\.|^[A-Z]\w+\/[A-Z]/.test(sentence ?? ''),
    )
    expect(shared, path).toEqual([])
  }
})

describe('the sign-in page', () => {
  test('links to each provider, with the return_to of the request', async () => {
    const { text, status } = await get('/login?return_to=/account/delete&utm_source=news&gclid=1', { cookie: '' })
    expect(status).toBe(200)
    expect(text).toContain('href="/auth/google?return_to=%2Faccount%2Fdelete"')
    expect(text).toContain('href="/auth/atlassian?return_to=%2Faccount%2Fdelete"')
    expect(text).toContain('<input type="hidden" name="return_to" value="/account/delete"/>')
    expect(text.replace(/<footer[\s\S]*?<\/footer>/, '')).not.toContain('utm_source')
  })

  test('shows the mark of each provider next to its name, which alone is read out', async () => {
    const { text } = await get('/login', { cookie: '' })
    const marks = (text.match(/<svg [^>]*>.*?<\/svg>/g) ?? []).filter((mark) => mark.includes(neutralMark.path))
    expect(marks).toHaveLength(world.providers.length)
    for (const mark of marks) {
      expect(mark).toMatch(/^<svg viewBox="0 0 \d+ \d+" [^>]*aria-hidden="true"/)
      // The policy of pages allows no inline style.
      expect(mark).not.toMatch(/style|<title/)
    }
  })

  test.each(['//evil.example', 'https://evil.example/', '/\\evil.example', 'javascript:alert(1)'])(
    'rejects return_to %s',
    async (target) => {
      const answer = await get(`/login?return_to=${encodeURIComponent(target)}`, { cookie: '' })
      expect(answer.status).toBe(400)
      expect(answer.text).toContain(errors.en.return_to_not_allowed.title)
    },
  )

  test('keeps an app’s PKCE challenge and names the destination', async () => {
    const { text } = await get(
      '/login?return_to=https://app.example/cb&code_challenge=abc&code_challenge_method=S256',
      {
        cookie: '',
      },
    )
    const along = 'return_to=https%3A%2F%2Fapp.example%2Fcb&amp;code_challenge=abc&amp;code_challenge_method=S256'
    expect(text).toContain(`href="/auth/google?${along}"`)
    expect(text).toContain('Then you continue to app.example.')
  })

  test('describes the status of a provider in words', async () => {
    world.status = 'down'
    expect((await get('/login')).text).toContain('not responding right now')
    world.status = 'degraded'
    expect((await get('/login', { locale: 'pt-BR' })).text).toContain('pode estar lento')
  })

  test('offers only passwords where no provider is configured', async () => {
    world.providers = []
    const { text } = await get('/login', { cookie: '' })
    expect(text).toContain('action="/login/password"')
    expect(text).not.toContain('With another account')
  })

  test('names the signed-in user, and the home page leads there', async () => {
    expect((await get('/login')).text).toContain('You are signed in as &quot;>&lt;script>')
    expect((await get('/')).headers.location).toBe('/account')
    expect((await get('/', { cookie: '' })).headers.location).toBe('/login')
  })
})

test('/.well-known/change-password leads a password manager to the password page', async () => {
  const answer = await get('/.well-known/change-password')
  expect([answer.status, answer.headers.location]).toEqual([303, '/account/password'])
  expect((await get('/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200')).status).toBe(
    404,
  )
})

describe('the account page', () => {
  test('requires a session, and a visitor returns to it after signing in', async () => {
    const answer = await get('/account', { cookie: '' })
    expect(answer.status).toBe(303)
    expect(answer.headers.location).toBe('/login?return_to=%2Faccount')
  })

  test('lists the sign-in methods, and their pages the permissions in words and as scopes', async () => {
    const { text: list, headers } = await get('/account/sign-in')
    expect(list).toContain('ana@example.com (not verified)')
    expect(list).toContain('<time datetime="2030-01-01T12:00:00.000Z" title="Jan 1, 2030, 12:00 PM UTC"')
    const text = (await get('/account/identities/idn_1')).text + (await get('/account/identities/idn_2')).text
    expect(text).toMatch(/<li>know who you are\s*<\/li>/)
    const portuguese = await get('/account/link/google', { locale: 'pt-BR' })
    expect(portuguese.text).toMatch(/<li>saber quem você é\s*<\/li>/)
    expect(text).toContain('other access <code class="fine">made:up</code>')
    expect(text).toContain('href="https://id.atlassian.com/manage-profile/apps"')
    expect(headers['content-security-policy']).toContain(
      "form-action 'self' https://accounts.google.com https://auth.atlassian.com https://id.atlassian.com;",
    )
  })

  test('marks a sign-in method that does not work and permissions that need a new consent', async () => {
    world.providers = [google]
    world.standing = { status: 'needs_reauthorization' }
    const { text } = await get('/account/sign-in')
    expect(text).toContain('1 of 2 sign-in methods work at the moment.')
    expect(text).toContain('this provider is disabled here')
    expect(text).toContain('href="/auth/google?return_to=%2Faccount%2Fidentities%2Fidn_1&amp;consent=again"')
    expect(text).not.toContain('href="/auth/atlassian?')
  })

  test('lists pending revocations, and has no such section without any', async () => {
    expect((await get('/account/permissions')).text).not.toContain('Still to be revoked')
    const times = { queuedAt: now, nextAttemptAt: new Date(now.getTime() + 60_000) }
    world.waiting = [
      { provider: 'google', teamId: null, attempts: 3, lastError: 'transient', ...times },
      { provider: 'gone', teamId: null, attempts: 0, lastError: null, ...times },
    ]
    const { text } = await get('/account/permissions')
    expect(text).toContain('Still to be revoked')
    expect(text).toContain('the provider did not answer')
    expect(text).toContain('<time datetime="2030-01-01T12:01:00.000Z"')
    expect(text).toContain('>in 1 minute</time>')
    expect(text).toContain('href="https://myaccount.google.com/connections"')
    expect(text).toContain('<h3>gone</h3>')
    world.waiting = [{ provider: 'google', teamId: null, attempts: 1, lastError: 'rate_limited', ...times }]
    expect((await get('/account/permissions', { locale: 'pt-BR' })).text).toContain('o provedor pediu para esperar')
  })

  test('describes devices in words and marks the current one', async () => {
    const { text } = await get('/account/devices')
    expect(text).toMatch(/<h3>curl <span class="badge">this device<\/span><\/h3>/)
    expect(text).toContain('action="/account/sessions/ses_2/end"')
    expect(text).not.toContain('action="/account/sessions/ses_1/end"')
  })

  test('requires a recent sign-in before it offers to link', async () => {
    world.authTime = new Date(now.getTime() - 3_600_000)
    const { text } = await get('/account/sign-in')
    expect(text).not.toContain('action="/auth/google/link"')
    expect(text).toContain('href="/login?return_to=%2Faccount%2Fsign-in"')
  })

  test('has a sentence for every notice that a redirect from outside the pages asks for', () => {
    const root = resolve(import.meta.dirname, '../../../src')
    const words = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.tsx?$/.test(file))
      .flatMap((file) => [...readFileSync(join(root, file), 'utf8').matchAll(/\?done=(\w+)/g)].map(([, word]) => word))
    expect(words).toContain('jira_connected')
    expect(words.filter((word) => !doneMessageOf(word, 'en') || !doneMessageOf(word, 'pt-BR'))).toEqual([])
  })

  test('shows known notices only', async () => {
    expect((await get('/account?done=unlinked')).text).toMatch(/<p role="status"[^>]*>The sign-in method was unlinked/)
    for (const made_up of ['<b>Your bank called</b>', 'toString', '__proto__'])
      expect((await get(`/account?done=${encodeURIComponent(made_up)}`)).text).not.toContain('role="status"')
  })

  /** What administrators do to things that belong to no account. */
  const isOfNoAccount =
    /^(signing_key|service_credential|branding)\.|^(provider|application)\.(created|updated|went_live|enabled|disabled|deleted|secret_rotated|secret_ended|refused)$/

  test('has a sentence for every kind of account event, and none for unknown kinds', async () => {
    const named = Object.entries(events).flatMap(([name, event]) =>
      'audit' in event && event.audit && !isOfNoAccount.test(name) ? [name] : [],
    )
    const data = { provider: 'google', via: 'google', code: 'access_denied', reason: 'logout', factor: 'totp' }
    for (const name of named) {
      world.rows = [record('aud_1', name, data), record('aud_2', 'event.of_tomorrow')]
      for (const locale of ['en', 'pt-BR'] as const) {
        const { text } = await get('/account/activity', { locale })
        expect(text).not.toContain(name)
        expect(text).toContain('event.of_tomorrow')
        if (name === 'authentication.failed') expect(text).toContain(errors[locale].access_denied.title)
      }
    }
  })

  test.each([
    ['revoked', 'Our permission at Google was withdrawn', 'A nossa permissão em Google foi revogada'],
    ['still_needed', 'was kept, because it is still needed here', 'foi mantida, porque ainda é necessária aqui'],
    ['not_supported', 'Google does not let us withdraw our permission', 'não oferece um meio de revogar'],
    [
      'gave_up',
      'We could not withdraw our permission at Google',
      'Não conseguimos revogar a nossa permissão em Google',
    ],
  ])('explains the status of a permission: %s', async (result, english, portuguese) => {
    world.rows = [record('aud_1', 'provider_token.revoked', { provider: 'google', result })]
    expect((await get('/account/activity')).text).toContain(english)
    expect((await get('/account/activity', { locale: 'pt-BR' })).text).toContain(portuguese)
  })

  test('paginates the activity', async () => {
    world.rows = Array.from({ length: 30 }, (_, at) => record(`aud_${at}`, 'account.updated'))
    const first = await get('/account/activity')
    expect(first.text).toContain('href="/account/activity?cursor=aud_24"')
    for (const cursor of ['usr_24', 'aud_', 'aud_2%00', 'aud_2g'])
      expect([cursor, (await get(`/account/activity?cursor=${cursor}`)).status]).toEqual([cursor, 400])
    const second = await get('/account/activity?cursor=aud_24')
    expect(second.text.match(/<time/g)).toHaveLength(5)
    expect(second.text.replace(/<footer[\s\S]*?<\/footer>/, '')).not.toContain('cursor=')
    const loans = await get('/account/activity?kind=loans')
    expect(loans.text).toContain('href="/account/activity?kind=loans&amp;cursor=aud_24"')
    expect(loans.text).toMatch(/href="\/account\/activity\?kind=loans" aria-current="page"/)
    expect((await get('/account/activity?kind=loans&cursor=aud_24')).text).toContain(
      'href="/account/activity?kind=loans"',
    )
    expect((await get('/account/activity?kind=security')).status).toBe(400)
  })
})

describe('a provider that is not discovered yet', () => {
  test('is discovered by a page of its own, never by the page of sign-in methods', async () => {
    world.providers = [google, provider('acme', 'Acme', null)]
    const { text } = await get('/account/sign-in')
    expect(text).toContain('href="/account/link/acme"')
    expect(text).not.toContain('action="/auth/acme/link"')
    expect(world.begun).toEqual([])
    const page = await get('/account/link/acme')
    expect(world.begun).toEqual(['acme'])
    expect(page.text).toContain('action="/auth/acme/link"')
  })
})

describe('the forms', () => {
  test.each([
    ['/account/profile', { name: '  Ana  ' }, '/account?done=profile_saved', [ana.id, { name: 'Ana' }]],
    ['/account/profile', { name: '' }, '/account?done=profile_saved', [ana.id, { name: null }]],
    ['/account/identities/idn_1/unlink', {}, '/account/sign-in?done=unlinked', ['unlink', 'idn_1']],
    ['/account/sessions/ses_2/end', {}, '/account/devices?done=device_ended', ['end', 'ses_2']],
    ['/account/sessions/end-others', {}, '/account/devices?done=devices_ended', ['others', ana.id, 'ses_1']],
    ['/account/sign-out', {}, '/login?done=signed_out', 'signed out'],
    ['/account/delete', {}, '/login?done=deleted', 'deleted'],
  ] as const)('%s %o', async (path, fields, location, said) => {
    const answer = await post(path, fields)
    expect([answer.status, answer.headers.location]).toEqual([303, location])
    expect(world.said).toContainEqual(said)

    const forged = await post(path, fields, 'made up')
    expect(forged.status).toBe(403)
    expect(world.said).toHaveLength(1)
  })

  test('remove everything of the session from the browser when it ends', async () => {
    for (const path of ['/account/sign-out', '/account/delete']) {
      const { headers } = await post(path)
      expect(headers['clear-site-data']).toBe('"cache", "storage"')
      expect(headers['set-cookie']?.[0]).toMatch(/^vinculum_session=; Max-Age=0; .*HttpOnly/)
    }
  })

  test('confirm first, and do not offer an action that would lock the user out', async () => {
    expect((await get('/account/identities/idn_1/unlink')).text).toContain('Yes, unlink Google')
    world.identities = [identity('idn_1', google)]
    const { text } = await get('/account/identities/idn_1/unlink')
    expect(text).toContain('This is the only sign-in method left')
    expect(text).not.toContain('action="/account/identities/')
    expect((await post('/account/identities/idn_1/unlink')).status).toBe(409)
    expect((await get('/account/identities/idn_none/unlink')).status).toBe(404)
  })

  test('promise to revoke a permission only where the provider supports it', async () => {
    const beta = { ...provider('beta', 'Beta', 'https://beta.example'), revokes: false }
    const acme = provider('acme', 'Acme', null)
    world.providers = [google, atlassian, beta, acme]
    world.identities = world.providers.map((one) => identity(`idn_${one.id}`, one))
    const asked = async (id: string) => (await get(`/account/identities/idn_${id}/unlink`)).text

    expect(await asked('google')).toContain('our permission at Google is withdrawn.')
    expect(await asked('acme')).toContain('our permission at Acme is withdrawn if it lets us.')
    for (const [id, name] of [['atlassian', 'Atlassian'] as const, ['beta', 'Beta'] as const]) {
      const text = await asked(id)
      expect(text).not.toContain('is withdrawn')
      expect(text).toContain(`${name} has no way for us to withdraw our permission.`)
      expect(text.includes('https://id.atlassian.com/manage-profile/apps')).toBe(id === 'atlassian')
    }
  })

  test('delete an account only after a recent sign-in', async () => {
    world.authTime = new Date(now.getTime() - 3_600_000)
    const answer = await get('/account/delete')
    expect(answer.status).toBe(403)
    expect(answer.text).toContain('href="/login?return_to=%2Faccount%2Fdelete"')
    expect((await post('/account/delete')).status).toBe(403)
    expect(world.said).toEqual([])
  })
})

test('the confirmation before an account is deleted explains what happens to a team’s Jira', async () => {
  expect((await get('/account/delete')).text).toContain('If you connected a team with Jira')
  expect((await get('/account/delete', { locale: 'pt-BR' })).text).toContain('Se você conectou uma equipe ao Jira')
})

describe('the page of an identity', () => {
  const about = async (standing: Partial<Standing>, id = 'idn_1', locale: 'en' | 'pt-BR' = 'en') => {
    world.standing = standing
    return (await get(`/account/identities/${id}`, { locale })).text
  }

  test('shows in words the requested and granted permissions and their status', async () => {
    const text = await about({ asked: ['openid', 'email'], granted: ['openid'], missing: ['email'], usedAt: null })
    for (const phrase of ['Requested scopes', 'Not allowed', 'see your email address', 'works', 'not yet'])
      expect(text).toContain(phrase)
    expect(text).toContain('href="/account/identities/idn_1/withdraw"')
    expect(text).toContain('href="https://myaccount.google.com/connections"')
    const tried = await about({ status: 'degraded', lastError: 'client_misconfigured' })
    expect(tried).toContain('a setting of this service is wrong')
    expect(await about({ status: 'degraded', lastError: 'transient' }, 'idn_1', 'pt-BR')).toContain(
      'o provedor não respondeu',
    )
    expect(await about({ endsAt: new Date('2031-01-01T00:00:00Z') })).toContain('Must be granted again by')
  })

  test('names the next step: renew, allow again or remove at the provider', async () => {
    const dead = await about({ status: 'needs_reauthorization' })
    expect(dead).toContain('href="/auth/google?return_to=%2Faccount%2Fidentities%2Fidn_1&amp;consent=again"')
    const back = await about({ status: 'revoked', asked: [], granted: [] })
    expect(back).toContain('withdrawn by you')
    expect(back).toContain('Sign in with Google again to allow what sign-in needs')
    expect(back).not.toContain('/withdraw"')
    expect(await about({ status: 'none' }, 'idn_2')).toContain('href="https://id.atlassian.com/manage-profile/apps"')
    world.providers = [
      provider('github', 'GitHub', 'https://github.com', {
        permissionsUrl: 'https://github.com/settings/connections/applications/client',
      }),
    ]
    world.identities = [identity('idn_3', world.providers[0] as Provider)]
    expect(await about({}, 'idn_3')).toContain('href="https://github.com/settings/connections/applications/client"')
  })

  test('offers optional permissions after a recent sign-in', async () => {
    const files = 'https://www.googleapis.com/auth/drive.readonly'
    const missing = (asked: readonly string[], given: readonly string[]) => asked.filter((one) => !given.includes(one))
    world.providers = [{ ...google, optionalScopes: [files, 'email'], missingScopes: missing }]
    const text = await about({ granted: ['openid', 'email'] })
    expect(text).toContain(`type="checkbox" name="scopes" value="${files}"`)
    expect(text).not.toContain('value="email"')
    for (const [locale, stays] of [
      ['en', 'What you already allowed stays.'],
      ['pt-BR', 'O que você já permitiu continua.'],
    ] as const) {
      expect(await about({ granted: ['openid', 'email'] }, 'idn_1', locale)).toContain(stays)
      // After withdrawal no scope can remain.
      expect(await about({ status: 'revoked', asked: [], granted: [] }, 'idn_1', locale)).not.toContain(stays)
    }
    const { headers } = await get('/account/identities/idn_1')
    expect(headers['content-security-policy']).toContain("form-action 'self' https://accounts.google.com;")
    const asked = await post('/account/identities/idn_1/authorize', { scopes: files })
    expect([asked.status, asked.headers.location]).toEqual([303, 'https://auth.atlassian.com/authorize?x=1'])
    expect(world.said).toEqual([['more', 'idn_1', [files]]])
    const nothing = await post('/account/identities/idn_1/authorize')
    expect(nothing.headers.location).toBe('/account/identities/idn_1?done=more_none')
    world.authTime = new Date(now.getTime() - 3_600_000)
    expect(await about({ granted: ['openid'] })).toContain('href="/login?return_to=%2Faccount%2Fidentities%2Fidn_1"')
    expect((await post('/account/identities/idn_1/authorize', { scopes: files })).status).toBe(403)
  })

  test('confirms before permissions are withdrawn', async () => {
    expect((await get('/account/identities/idn_1/withdraw')).text).toContain('You can still sign in with Google.')
    expect((await get('/account/identities/idn_none/withdraw')).status).toBe(404)
    const done = await post('/account/identities/idn_1/withdraw')
    expect([done.status, done.headers.location]).toEqual([303, '/account/identities/idn_1?done=grant_withdrawn'])
    expect(world.said).toEqual([['withdraw', 'idn_1']])
  })

  test('is shown without the provider’s profile when the provider is down, and explains why', async () => {
    world.down = true
    const text = await about({})
    expect(text).toContain('Google is not responding right now')
    expect(text).toContain('What you allowed')
  })
})

test('a provider’s profile is shown as text, with its age', async () => {
  const { text } = await get('/account/identities/idn_1')
  expect(text).toContain('this may be out of date')
  expect(text).toContain('<dd><a href="https://elsewhere.example/ana.png" rel="noreferrer">View the picture</a></dd>')
  expect(text).toMatch(/<dt>Email verified<\/dt><dd>yes<\/dd>/)
  // IDs, names of fields and JSON are only behind the details.
  const [front = '', details = ''] = text.split('<details class="panel">')
  expect(front).not.toMatch(/email_verified|idn_1<|<code>|\[1\]/)
  expect(details).toMatch(/<code>idn_1<\/code>/)
  expect(details).toMatch(/&quot;x&quot;: \[\s+1\s+\]/)
})

describe('an account conflict', () => {
  test('is a page for a browser with its binding cookie', async () => {
    const { text, headers } = await get(`/auth/conflicts/${ticket}`, { cookie: 'vinculum_flow_h1=bound' })
    expect(text).toContain('Continue with Atlassian')
    expect(text).toContain('a•••@example.com')
    expect(text).toContain('Create a separate account')
    expect(headers['content-security-policy']).toContain("form-action 'self' https://auth.atlassian.com ")
    expect((await get(`/auth/conflicts/${ticket}`, { cookie: '' })).status).toBe(404)
  })

  test('is JSON for an app with its flow_token', async () => {
    const answer = await get(`/auth/conflicts/${ticket}`, { cookie: '', accept: '*/*' }).set('Flow-Token', 'bound')
    expect(answer.body).toEqual({
      provider: { id: 'google', name: 'Google' },
      email: 'a•••@example.com',
      methods: [{ type: 'provider', provider: 'atlassian', name: 'Atlassian' }],
      can_create: true,
      proven: false,
      expires_at: now.toISOString(),
    })
    const twice = supertest(surface())
      .get(`/auth/conflicts/${ticket}`)
      .set('Flow-Token', ['bound', 'bound'] as never)
    expect((await twice).status).toBe(404)
  })

  test('sends a browser to prove the account, and back to the conflict', async () => {
    const answer = await post(`/auth/conflicts/${ticket}`, { action: 'link', provider: 'atlassian' })
    expect(answer.status).toBe(303)
    expect(answer.headers.location).toBe('https://auth.atlassian.com/authorize?x=1')
    expect(String(answer.headers['set-cookie'])).toContain('vinculum_flow_h2=b2; Max-Age=900')
    expect(world.said).toContainEqual(['begin', 'atlassian', `/auth/conflicts/${ticket}`])
    expect((await post(`/auth/conflicts/${ticket}`, { action: 'link' })).status).toBe(401)
  })

  test('keeps its own cookie when a proof begins among too many pending sign-ins', async () => {
    const others = Array.from({ length: 22 }, (_, at) => `vinculum_flow_o${at}=x`)
    const answer = await post(`/auth/conflicts/${ticket}`, { action: 'link', provider: 'atlassian' }).set(
      'Cookie',
      ['vinculum_session=good', 'vinculum_flow_h1=bound', ...others].join('; '),
    )
    const over = String(answer.headers['set-cookie']).match(/flow_\w+(?==; Max-Age=0)/g)
    expect([answer.status, over]).toEqual([303, ['flow_o0', 'flow_o1']])
  })

  test('returns the provider URL to an app, and the signed-in user at the end', async () => {
    const send = (body: object) => supertest(surface()).post(`/auth/conflicts/${ticket}`).send(body)
    const next = await send({ action: 'link', provider: 'atlassian', flow_token: 'bound' })
    expect(next.body).toEqual({
      authorize_url: 'https://auth.atlassian.com/authorize?x=1',
      state: 's',
      flow_token: 'b2',
      expires_in: 300,
    })
    const made = await send({ action: 'create', flow_token: 'bound' })
    expect(made.body).toMatchObject({ access_token: 'a', action: 'created_new_user', user: { id: ana.id } })
    expect(made.headers['set-cookie']).toBeUndefined()
    expect((await send({ action: 'create' })).status).toBe(404)
    expect(world.said.filter((said) => Array.isArray(said) && said[0] === 'create')).toEqual([
      ['create', false],
      ['create', true],
    ])
  })

  test('offers the link first once the account is proven', async () => {
    world.question = { ...question, proven: true, canCreate: false }
    const { text, headers } = await get(`/auth/conflicts/${ticket}`, { cookie })
    expect(text).toMatch(/<button type="submit" class="primary">Yes, link Google to my account/)
    expect(text).not.toContain('Create a separate account')
    expect(headers['content-security-policy']).toContain("form-action 'self';")
  })

  const all: OpenConflictView['methods'] = [
    { type: 'provider', provider: 'atlassian', name: 'Atlassian' },
    ...(['password', 'passkey', 'email'] as const).map((type) => ({ type })),
  ]
  test.each(all)('offers %o, and loads the script of passkeys for them only', async (method) => {
    world.question = { ...question, methods: [method] }
    const { text, headers } = await get(`/auth/conflicts/${ticket}`, { cookie: 'vinculum_flow_h1=bound' })
    const offered = [
      ...(text.includes('name="provider" value="atlassian"') ? ['provider'] : []),
      ...(text.includes(`href="/login?return_to=${encodeURIComponent(`/auth/conflicts/${ticket}`)}"`)
        ? ['password']
        : []),
      ...(text.includes('data-passkey="get"') ? ['passkey'] : []),
      ...(text.includes('name="method" value="email"') ? ['email'] : []),
    ]
    expect(offered).toEqual([method.type])
    expect(headers['content-security-policy']).toContain("script-src 'self';")
    expect(text.includes('/static/passkeys.')).toBe(method.type === 'passkey')
    // Back to the conflict, which is then one click from its end.
    if (method.type === 'passkey')
      expect(text).toContain(`<input type="hidden" name="return_to" value="/auth/conflicts/${ticket}"/>`)
  })

  test.each([
    ['en', true, 'create a separate account below'],
    ['en', false, 'ask an administrator of this service'],
    ['pt-BR', true, 'crie uma conta separada abaixo'],
    ['pt-BR', false, 'peça ajuda à administração deste serviço'],
  ] as const)('without a method names the next step, in %s, separate: %s', async (locale, canCreate, next) => {
    world.question = { ...question, methods: [], canCreate }
    const { text } = await get(`/auth/conflicts/${ticket}`, { locale, cookie: 'vinculum_flow_h1=bound' })
    expect(text).toContain(next)
    expect(text).not.toContain(locale === 'en' ? 'Sign in to it once' : 'Entre nela uma vez')
    expect(text.includes('name="action" value="create"')).toBe(canCreate)
    expect(text).not.toContain('name="action" value="link"')
  })

  test('shows the same content in both languages, whatever it offers', async () => {
    for (const methods of [all, []])
      for (const canCreate of [true, false]) {
        world.question = { ...question, methods, canCreate }
        const [english, portuguese] = await Promise.all(
          (['en', 'pt-BR'] as const).map(async (locale) => {
            const { text } = await get(`/auth/conflicts/${ticket}`, { locale, cookie })
            return [...text.matchAll(/>([^<>]+)</g)].map(([, sentence = '']) => sentence)
          }),
        )
        expect(english?.length).toBe(portuguese?.length)
        const shared = english?.filter((sentence) => sentence.length >= 18 && portuguese?.includes(sentence))
        expect(shared?.filter((sentence) => !/@/.test(sentence))).toEqual([])
      }
  })

  test('returns to an app through a page, since form-action forbids a redirect there', async () => {
    const answer = await post(`/auth/conflicts/${ticket}`, { action: 'create' })
    expect(answer.status).toBe(200)
    expect(answer.text).toContain('<meta http-equiv="refresh" content="0; url=https://app.example/cb?code=one-use"')
    expect(answer.text).toContain('href="https://app.example/cb?code=one-use"')
    expect(String(answer.headers['set-cookie'])).toContain('vinculum_flow_h1=; Max-Age=0')
  })
})

describe('an error page', () => {
  const context = {
    status: 400,
    requestId: 'req_7',
    returnTo: '/account/identities/idn_1',
    formPage: null,
    who: null,
  } as const
  const render = async (code: ErrorCode, changes: object = {}, more: object = {}) => {
    const { renderToString } = await import('preact-render-to-string')
    const error = { code, params: { provider: hostile }, cause: new Error('the secret reason'), ...more }
    return (locale: Locale) => renderToString(errorPage(error, { ...context, locale, ...changes }))
  }

  test.each(Object.keys(errors.en) as ErrorCode[])(
    'for %s explains what happened and names a next step',
    async (code) => {
      for (const who of [null, {} as Principal]) {
        const page = await render(code, { who })
        for (const locale of ['en', 'pt-BR'] as const) {
          const text = page(locale)
          expect(text).toContain(`<h1>${errors[locale][code].title}</h1>`)
          expect(text).toMatch(/<a class="button primary" href="\//)
          expect(text).toContain('<code>req_7</code>')
          expect(text).toContain(`${locale === 'en' ? 'Error code' : 'Código do erro'}: <code>${code}</code>`)
          expect(text).not.toContain('secret reason')
          expect(text).not.toContain('<script')
        }
      }
    },
  )

  test.each(['access_denied', 'state_expired', 'user_info_fetch_failed'] as const)(
    'for %s keeps the app and its challenge in the link that signs in again',
    async (code) => {
      const callback = { returnTo: '/auth/google/callback?code=1&state=2' }
      const link = (onward: object) => render(code, callback, { onward }).then((page) => page('en'))
      const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
      expect(await link({ returnTo: 'https://app.example/in?a=b', codeChallenge: challenge })).toContain(
        `href="/login?return_to=https%3A%2F%2Fapp.example%2Fin%3Fa%3Db&amp;code_challenge=${challenge}&amp;code_challenge_method=S256">Sign in again`,
      )
      expect(await link({ returnTo: '/reports', codeChallenge: null })).toContain(
        'href="/login?return_to=%2Freports">Sign in again',
      )
    },
  )

  test('never links to a provider callback, which works only once', async () => {
    const page = await render('provider_unavailable', { returnTo: '/auth/google/callback?code=1&state=2' })
    expect(page('en')).not.toContain('callback')
    expect((await render('provider_unavailable', { returnTo: '/auth/google?return_to=%2F' }))('en')).toContain(
      'href="/auth/google?return_to=%2F">Try again',
    )
  })
})

test('the stylesheet can be cached forever and loads nothing external', async () => {
  const [style] = staticFiles
  const answer = await get(style?.path ?? '')
  expect(answer.headers['content-type']).toBe('text/css; charset=utf-8')
  expect(answer.headers['cache-control']).toContain('immutable')
  expect(answer.text).not.toMatch(/url\(|@import|http/)
})

describe.each(['light', 'dark'])('in the %s colors', (scheme) => {
  // https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
  const luminance = (hex: string): number => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  // The dark scheme changes some of the light colors.
  const blocks = String(staticFiles[0]?.body).match(/:root \{[^}]*\}/g) ?? []
  const colours = new Map(
    [
      ...blocks
        .slice(0, scheme === 'light' ? 1 : 2)
        .join('')
        .matchAll(/--([\w-]+): (#[\da-f]{6})/g),
    ].map(([, name, hex]) => [name, hex]),
  )
  const contrast = (a: string, b: string): number => {
    const [low = 0, high = 0] = [a, b].map((name) => luminance(colours.get(name) ?? '')).sort((x, y) => x - y)
    return (high + 0.05) / (low + 0.05)
  }

  test.each([
    ['ink', 'paper', 4.5],
    ['ink', 'sheet', 4.5],
    ['ink', 'note', 4.5],
    ['soft', 'paper', 4.5],
    ['soft', 'sheet', 4.5],
    ['link', 'paper', 4.5],
    ['link', 'sheet', 4.5],
    ['link', 'note', 4.5],
    ['soft', 'raised', 4.5],
    ['ink', 'danger-ground', 4.5],
    ['danger', 'danger-ground', 4.5],
    ['good', 'good-ground', 4.5],
    ['warn', 'warn-ground', 4.5],
    ['on-accent', 'accent', 4.5],
    ['danger', 'paper', 4.5],
    ['danger', 'sheet', 4.5],
    // The border of a control is not text (WCAG 1.4.11).
    ['edge', 'paper', 3],
    ['edge', 'sheet', 3],
  ])('%s on %s has a contrast of at least %d', (a, b, least) => {
    expect(contrast(a, b)).toBeGreaterThanOrEqual(least)
  })
})
