import { createServer } from 'node:http'
import { z } from 'zod'
import { fail, message } from '../../src/errors/catalogue.ts'
import { type AppParts, createApp } from '../../src/http/app.ts'
import type { RateLimitStore } from '../../src/http/ports.ts'
import { json, noContent, page, seeOther, text } from '../../src/http/reply.ts'
import { object, type Principal, type Route, route } from '../../src/http/route.ts'
import { staticFile } from '../../src/http/static.ts'
import { BusyError } from '../../src/kernel/busy.ts'
import { ReferenceGoneError } from '../../src/kernel/gone.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { ok } from '../../src/kernel/result.ts'
import { anAccount } from '../support/people.ts'
import { plainBrand } from '../support/plain-brand.ts'

/** Counters in memory, in place of one node's database; `fault` makes them unreachable. */
export function createCounters(): RateLimitStore & { fault: Error | null; asked: number } {
  const rows = new Map<string, { hits: number; resetsAt: Date }>()
  return {
    fault: null,
    asked: 0,
    async hit(key, windowMs, at) {
      this.asked += 1
      if (this.fault) throw this.fault
      const row = rows.get(key)
      const next =
        row && row.resetsAt > at
          ? { hits: row.hits + 1, resetsAt: row.resetsAt }
          : { hits: 1, resetsAt: new Date(at.getTime() + windowMs) }
      rows.set(key, next)
      return next
    },
  }
}

export const style = staticFile('style.css', 'text/css; charset=utf-8', 'body { margin: 0 }')

const Thing = z.object({ name: z.string(), when: z.string().optional() }).meta({ id: 'Thing' })
/** A member that the contract adds, and one that every body has: it must not be replaced. */
const claimed = { conflict_ticket: 't', code: 'x' }
const api = { tag: 'Things', surface: 'api', limit: 'account' } as const
const browser = { tag: 'Pages', surface: 'browser', limit: 'browse' } as const

/** One small route of every kind. */
export const routes: readonly Route<unknown>[] = [
  route({
    ...api,
    method: 'get',
    path: '/things/:id',
    summary: 'A thing',
    auth: 'public',
    params: object({ id: z.string().regex(/^thg_\d+$/) }),
    query: object({ q: z.string().min(2).optional(), tags: z.array(z.string()).optional() }),
    reply: z.looseObject({}),
    fails: [],
    handle: ({ params, query, who, origin, wants, header }) =>
      ok(
        json({
          id: params.id,
          ...query,
          who: who?.accountId ?? null,
          via: who?.via ?? null,
          ...origin,
          wants,
          tag: header('X-Tag') ?? null,
        }),
      ),
  }),
  route({
    ...api,
    method: 'post',
    path: '/things',
    summary: 'Makes a thing',
    auth: 'none',
    body: object({
      name: z.string().min(3),
      size: z.enum(['s', 'm']).optional(),
      in: object({ deep: z.int() }).optional(),
    }),
    reply: Thing,
    status: 201,
    fails: ['account_conflict', 'provider_unavailable'],
    handle: ({ body }) => {
      if (body.name === 'conflict') return fail('account_conflict', { provider: 'GitHub' }, { extra: claimed })
      if (body.name === 'busy') return fail('provider_unavailable', { provider: 'GitHub' }, { retryAfter: 30 })
      const row = { name: body.name, password_hash: 'never told' }
      return ok(json(row))
    },
  }),
  route({
    ...api,
    method: 'post',
    path: '/token',
    summary: 'OAuth-shaped',
    auth: 'none',
    limit: 'token',
    oauth: true,
    form: true,
    body: object({ grant_type: z.string(), token: z.string().optional(), list: z.array(z.string()).optional() }),
    reply: z.looseObject({}),
    fails: ['token_reused', 'grant_type_unsupported', 'code_invalid', 'authentication_required'],
    handle: ({ body, bearer, cookie }) => {
      if (body.grant_type === 'reused') return fail('token_reused')
      if (body.grant_type === 'odd') return fail('grant_type_unsupported')
      if (body.grant_type === 'code') return fail('code_invalid')
      if (body.grant_type === 'client') return fail('authentication_required')
      return ok(json({ body, bearer, session: cookie('session') ?? null }))
    },
  }),
  route({
    ...api,
    method: 'get',
    path: '/mine',
    summary: 'Mine',
    auth: 'user',
    reply: z.looseObject({}),
    fails: [],
    handle: ({ who }) => ok(json({ who: who.accountId, via: who.via })),
  }),
  route({
    ...api,
    method: 'delete',
    path: '/mine',
    summary: 'Erases',
    auth: 'user',
    fails: [],
    handle: () => ok(noContent({ clearSiteData: true })),
  }),
  route({
    ...api,
    method: 'delete',
    path: '/mine/recent',
    summary: 'Erases, with care',
    auth: 'recent',
    fails: [],
    handle: () => ok(noContent()),
  }),
  route({
    ...api,
    method: 'post',
    path: '/optional',
    summary: 'May be empty',
    auth: 'none',
    limit: 'none',
    body: object({ a: z.string().optional() }),
    bodyOptional: true,
    reply: z.looseObject({}),
    fails: [],
    handle: ({ body }) => ok(json(body)),
  }),
  route({
    ...api,
    method: 'post',
    path: '/required',
    summary: 'May not',
    auth: 'none',
    limit: 'none',
    body: object({ a: z.string().optional() }),
    reply: z.looseObject({}),
    fails: [],
    handle: ({ body }) => ok(json(body)),
  }),
  route({
    ...api,
    method: 'get',
    path: '/keys',
    summary: 'Public keys',
    auth: 'none',
    limit: 'none',
    shared: true,
    reply: z.looseObject({}),
    fails: [],
    handle: () => ok(json({ keys: [] })),
  }),
  route({
    ...api,
    method: 'get',
    path: '/metrics',
    summary: 'Numbers',
    auth: 'none',
    limit: 'none',
    contentType: 'text/plain; version=0.0.4',
    fails: [],
    handle: () => ok(text('text/plain; version=0.0.4', 'up 1\n')),
  }),
  route({
    ...api,
    method: 'get',
    path: '/broken',
    summary: 'Throws',
    auth: 'none',
    fails: [],
    handle: () => {
      throw new Error('secret reason')
    },
  }),
  route({
    ...api,
    method: 'get',
    path: '/gone',
    summary: 'Refers to a row that was deleted in the meantime',
    auth: 'public',
    reply: z.null(),
    fails: [],
    handle: async () => {
      throw new ReferenceGoneError('FOREIGN KEY constraint failed')
    },
  }),
  route({
    ...api,
    method: 'get',
    path: '/busy',
    summary: 'Has more to do than it can',
    auth: 'none',
    fails: [],
    handle: () => {
      throw new BusyError('it', 7)
    },
  }),
  route({
    ...api,
    method: 'get',
    path: '/misshapen',
    summary: 'Answers what its schema refuses',
    auth: 'none',
    reply: Thing,
    fails: [],
    handle: () => ok(json({ name: 7 as unknown as string })),
  }),
  route({
    ...api,
    method: 'post',
    path: '/limited',
    summary: 'A guess',
    auth: 'none',
    limit: 'sign_in',
    fails: [],
    handle: () => ok(noContent()),
  }),
  route({
    ...browser,
    method: 'get',
    path: '/pages/form',
    summary: 'A form',
    auth: 'public',
    fails: [],
    handle: ({ csrfToken, who }) =>
      ok(
        page(
          <html lang="en">
            <body data-who={who?.accountId ?? ''}>
              <input name="csrf" value={csrfToken()} />
            </body>
          </html>,
          { formAction: ['https://github.com/login/oauth'] },
        ),
      ),
  }),
  route({
    ...browser,
    method: 'post',
    path: '/pages/form',
    summary: 'The form, sent',
    auth: 'public',
    json: true,
    body: object({ name: z.string().min(1) }),
    fails: ['access_denied'],
    handle: ({ body }) =>
      body.name === 'no'
        ? fail('access_denied', { provider: 'GitHub' })
        : ok(
            seeOther(`/done?name=${body.name}`, {
              cookies: [{ name: 'session', value: 'fresh', maxAgeSeconds: 60, sameSite: 'lax' }],
            }),
          ),
  }),
  route({
    ...browser,
    method: 'post',
    path: '/pages/sign-out',
    summary: 'A form without fields',
    auth: 'user',
    fails: [],
    handle: () =>
      ok(seeOther('/', { clearSiteData: true, cookies: [{ name: 'session', value: null, sameSite: 'lax' }] })),
  }),
  route({
    ...browser,
    method: 'post',
    path: '/pages/empty',
    summary: 'Nothing to fill in, for apps too',
    auth: 'public',
    json: true,
    fails: [],
    handle: () => ok(seeOther('/')),
  }),
  route({
    ...browser,
    method: 'post',
    path: '/pages/sign-in',
    summary: 'A form nobody need be for',
    auth: 'none',
    body: object({ name: z.string() }),
    fails: [],
    handle: () => ok(seeOther('/')),
  }),
  route({
    ...browser,
    method: 'get',
    path: '/pages/mine',
    summary: 'A page of mine',
    auth: 'user',
    also: ['json'],
    reply: z.looseObject({}),
    fails: [],
    handle: ({ wants, who }) => ok(wants === 'html' ? page(<p>{who.accountId}</p>) : json({ who: who.accountId })),
  }),
  route({
    ...browser,
    method: 'get',
    path: '/pages/broken',
    summary: 'Throws',
    auth: 'none',
    fails: [],
    handle: () => {
      throw new Error('secret reason')
    },
  }),
  route({
    ...browser,
    method: 'get',
    path: '/pages/:name',
    summary: 'By name',
    auth: 'none',
    limit: 'sign_in',
    params: object({ name: z.string() }),
    fails: ['provider_not_found'],
    handle: ({ params }) =>
      params.name === 'known'
        ? ok(seeOther('https://provider.example/é path\r\nX: y'))
        : fail('provider_not_found', { provider: params.name }),
  }),
  route({
    ...browser,
    method: 'get',
    path: '/pages/fixed/:ticket',
    summary: 'Fixed',
    auth: 'none',
    params: object({ ticket: z.string() }),
    fails: [],
    handle: () => ok(seeOther('/fixed')),
  }),
  route({
    ...browser,
    method: 'get',
    path: '/pages/:name/callback',
    summary: 'Callback',
    auth: 'none',
    params: object({ name: z.string() }),
    fails: [],
    handle: () => ok(seeOther('/callback')),
  }),
]

export const ana: Principal = {
  account: anAccount({ id: 'usr_ana' }),
  accountId: 'usr_ana',
  subject: 'usr_ana',
  sessionId: 'ses_1',
  generation: 3,
  amr: ['pwd'],
  authTime: new Date('2030-01-01T11:55:00Z'),
  scopes: [],
  via: 'bearer',
  application: null,
  dpopKey: null,
}

export type Surface = ReturnType<typeof createSurface>

/** The HTTP foundation over the routes above: the token `good` and the cookie `good` belong to Ana. */
export function createSurface(changes: Partial<AppParts<unknown>> = {}) {
  const told: { name: string; data: unknown }[] = []
  const defects: { error: unknown; requestId: string }[] = []
  const warnings: string[] = []
  const time = { now: new Date('2030-01-01T12:00:00Z') }
  const counters = createCounters()
  const { app, refusals } = createApp<unknown>({
    routes,
    vinculum: {},
    publicUrl: new URL('http://localhost:3000'),
    applications: [new URL('https://app.example/signed-in')],
    registeredOrigins: { refresh: async () => {}, has: () => false },
    trustProxyHops: 0,
    clock: () => time.now,
    random: systemRandom,
    events: { emit: (name, data) => void told.push({ name, data }) },
    authenticate: {
      dpopKey: async () => undefined,
      bearer: async (token) => {
        if (token === 'good') return ok(ana)
        return token === 'old'
          ? fail('token_expired')
          : token === 'refresh'
            ? fail('token_wrong_type', { type: 'access' })
            : fail('token_invalid')
      },
      cookie: async (value) =>
        value === 'good' ? ok({ ...ana, generation: null, via: 'cookie' }) : fail('session_expired'),
    },
    recentAuthSeconds: 600,
    requestMs: null,
    rateLimits: counters,
    csrfKey: Buffer.alloc(32, 7),
    branding: { current: () => plainBrand, load: async () => {} },
    applicationLogo: async () => undefined,
    errorPage: (error, { locale, requestId, status, returnTo }) => (
      <html lang={locale}>
        <body data-return-to={returnTo}>{`${status} ${message(error, locale).title} ${requestId}`}</body>
      </html>
    ),
    record: async () => {},
    onDefect: (error, requestId) => void defects.push({ error, requestId }),
    onWarning: (message) => void warnings.push(message),
    staticFiles: [style],
    version: '1.2.3',
    ...changes,
  })
  let listening: Promise<string> | undefined
  return {
    app,
    /**
     * The origin of one server for all requests, for tests that send hundreds: `request(app)` starts a server for each.
     * It ends with this process.
     */
    origin: (): Promise<string> =>
      (listening ??= new Promise((resolve) => {
        const server = createServer(app).listen(0, '127.0.0.1', () => {
          const address = server.address()
          resolve(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`)
        })
        server.unref()
      })),
    refusals,
    told,
    defects,
    warnings,
    counters,
    turn: (seconds: number) => {
      time.now = new Date(time.now.getTime() + seconds * 1000)
    },
  }
}

export const browserAccept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
