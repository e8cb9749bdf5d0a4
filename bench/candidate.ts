/**
 * The candidate: the same work with the libraries that the service uses (Express 5, zod, pino, prom-client, security
 * headers), each with minimal options. It has no breaker, audit log or sealed tokens, and does not check whether a
 * session is active.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { createServer, IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { destination, pino } from 'pino'
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import { Agent, request as fetch } from 'undici'
import { z } from 'zod'
import { answerParent, reportReady } from './ipc.ts'
import { newId, openSqlite } from './store.ts'
import { pair, readAccess, readRefresh } from './tokens.ts'

const { file, provider } = JSON.parse(process.argv[2] ?? '{}') as { file: string; provider: number }
const store = openSqlite(file)
const log = pino({ base: null }, destination({ sync: false, minLength: 4096 }))
const register = new Registry()
collectDefaultMetrics({ register })
const durations = new Histogram({
  name: 'http_request_duration_seconds',
  help: 'Requests answered',
  labelNames: ['method', 'route', 'status'],
  registers: [register],
})

const headers = [
  'X-Content-Type-Options',
  'nosniff',
  'X-Frame-Options',
  'DENY',
  'Referrer-Policy',
  'no-referrer',
  'Cross-Origin-Resource-Policy',
  'same-origin',
  'Cross-Origin-Opener-Policy',
  'same-origin',
  'Strict-Transport-Security',
  'max-age=63072000; includeSubDomains',
  'X-XSS-Protection',
  '0',
  'X-Permitted-Cross-Domain-Policies',
  'none',
  'X-DNS-Prefetch-Control',
  'off',
  'Origin-Agent-Cluster',
  '?1',
  'Content-Security-Policy',
  "default-src 'none'; frame-ancestors 'none'",
  'Cache-Control',
  'no-store',
]
const observers = new Map<string, { observe(value: number): void }>()

type Request = express.Request
type Response = express.Response

function answer(response: Response, route: string, started: number, status: number, more: string[], body = ''): void {
  const id = randomUUID()
  const own = ['X-Request-Id', id, 'Content-Length', String(Buffer.byteLength(body))]
  response.writeHead(status, [...headers, ...more, ...own])
  response.end(body)
  const key = `${route} ${status}`
  const observer = observers.get(key) ?? durations.labels(response.req.method, route, String(status))
  observers.set(key, observer)
  const ms = performance.now() - started
  observer.observe(ms / 1000)
  log.info({ id, route, status, ms }, 'answered')
}
const asJson = ['Content-Type', 'application/json']

function readBody(request: Request): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > 65_536) reject(new Error('too large'))
      else chunks.push(chunk)
    })
    request.on('end', () => resolve(Buffer.concat(chunks).toString()))
    request.on('error', reject)
  })
}

const app = express()
app.disable('x-powered-by')
app.disable('etag')

const Refresh = z.strictObject({ refresh_token: z.string().min(1).max(8192) })
app.post('/auth/refresh', async (request, response) => {
  const started = performance.now()
  const { refresh_token } = Refresh.parse(JSON.parse(await readBody(request)))
  const claims = readRefresh(refresh_token)
  const session = claims && (await store.rotate(claims.sid, claims.generation))
  if (session) answer(response, '/auth/refresh', started, 200, asJson, JSON.stringify(pair(session)))
  else answer(response, '/auth/refresh', started, 401, asJson, '{"error":"invalid_grant"}')
})

app.get('/me', (request, response) => {
  const started = performance.now()
  const claims = readAccess(request.headers.authorization?.slice(7) ?? '')
  const account = claims && store.account(claims.sub)
  if (account) answer(response, '/me', started, 200, asJson, JSON.stringify(account))
  else answer(response, '/me', started, 401, asJson, '{"error":"invalid_token"}')
})

// Social sign-in: a pending authorization with state, PKCE and a browser binding, claimed once. Two calls to the
// provider, then a session and a token pair.
const agent = new Agent({ connections: 64 })
const origin = `http://127.0.0.1:${provider}`
const callback = 'http://localhost:3000/auth/local/callback'
const hash = (text: string): string => createHash('sha256').update(text).digest('base64url')
const secret = (): string => randomBytes(32).toString('base64url')

const newFlow = store.db.prepare<[string, string, string, string, number]>(
  'insert into flows values (?, ?, ?, ?, ?, null)',
)
const claimFlow = store.db.prepare<[number, string, string, number], { verifier: string }>(
  'update flows set claimed_at = ? where state_hash = ? and binding_hash = ? and claimed_at is null and expires_at > ? returning verifier',
)
const identity = store.db.prepare<[string], { id: string; account_id: string }>(
  "select id, account_id from identities where provider = 'local' and subject = ?",
)
const newIdentity = store.db.prepare<[string, string, string, string, string, number]>(
  "insert into identities values (?, ?, 'local', ?, ?, ?, ?)",
)
const useIdentity = store.db.prepare<[string, string, number, string]>(
  'update identities set email = ?, name = ?, last_used_at = ? where id = ?',
)

app.get('/auth/:provider', async (_request, response) => {
  const started = performance.now()
  const [state, verifier, binding] = [secret(), secret(), secret()]
  await store.write(() => newFlow.run(newId('flw'), hash(state), hash(binding), verifier, Date.now() + 300_000))
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'bench',
    redirect_uri: callback,
    scope: 'profile',
    state,
    code_challenge: hash(verifier),
    code_challenge_method: 'S256',
  })
  const cookie = `flow_${hash(state).slice(0, 16)}=${binding}; Path=/; HttpOnly; SameSite=Lax; Max-Age=300`
  const more = ['Location', `${origin}/authorize?${query}`, 'Set-Cookie', cookie]
  answer(response, '/auth/:provider', started, 303, more)
})

const Callback = z.looseObject({ code: z.string().max(8192), state: z.string().max(8192) })
const Tokens = z.looseObject({ access_token: z.string() })
const Profile = z.looseObject({ id: z.string(), email: z.string(), name: z.string() })

app.get('/auth/:provider/callback', async (request, response) => {
  const started = performance.now()
  const { code, state } = Callback.parse(request.query)
  const handle = hash(state)
  const name = `flow_${handle.slice(0, 16)}=`
  const binding = request.headers.cookie?.split('; ').find((cookie) => cookie.startsWith(name))
  const now = Date.now()
  const flow = await store.write(() => claimFlow.get(now, handle, hash(binding?.slice(name.length) ?? ''), now))
  if (!flow) return answer(response, '/auth/:provider/callback', started, 400, asJson, '{"error":"invalid_state"}')

  const form = new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    redirect_uri: callback,
    code_verifier: flow.verifier,
    client_id: 'bench',
    client_secret: 'bench-secret',
  })
  const exchanged = await fetch(`${origin}/token`, {
    dispatcher: agent,
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'application/json' },
    body: form.toString(),
  })
  const { access_token } = Tokens.parse(await exchanged.body.json())
  const userinfo = await fetch(`${origin}/userinfo`, {
    dispatcher: agent,
    headers: { Authorization: `Bearer ${access_token}`, Accept: 'application/json' },
  })
  const profile = Profile.parse(await userinfo.body.json())

  const { account, session, action } = await store.write(() => {
    const known = identity.get(profile.id)
    const account = (known && store.account(known.account_id)) ?? store.addAccount(profile)
    if (known) useIdentity.run(profile.email, profile.name, Date.now(), known.id)
    else newIdentity.run(newId('idn'), account.id, profile.id, profile.email, profile.name, Date.now())
    return { account, session: store.addSession(account.id), action: known ? 'login_existing' : 'created_new_user' }
  })
  log.info({ account: account.id, action }, 'signed in')
  const { id, email } = account
  const entered = {
    user: { id, email, email_verified: true, name: account.name, picture: null },
    ...pair(session),
    provider_info: { provider: 'local', provider_user_id: profile.id },
    action,
  }
  answer(response, '/auth/:provider/callback', started, 200, asJson, JSON.stringify(entered))
})

/** Optimization: Express sets the prototype of each request and response, unless they are created with it. */
function bornAs(parent: unknown, prototype: object): unknown {
  function Born(this: object, first: unknown, second: unknown): void {
    Reflect.apply(parent as (...args: unknown[]) => void, this, [first, second])
  }
  Born.prototype = prototype
  return Born
}

const server = createServer(
  {
    IncomingMessage: bornAs(IncomingMessage, app.request) as typeof IncomingMessage,
    ServerResponse: bornAs(ServerResponse, app.response) as typeof ServerResponse,
    keepAliveTimeout: 65_000,
  },
  app,
)
answerParent({ seed: store.seed })
server.listen(0, '127.0.0.1', () => reportReady((server.address() as AddressInfo).port))
