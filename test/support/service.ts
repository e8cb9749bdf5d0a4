/**
 * The whole service over real HTTP, in front of the sandbox providers, both on one clock that only the test advances.
 */
import { createHash, randomBytes, randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { Writable } from 'node:stream'
import type pg from 'pg'
import { expect } from 'vitest'
import { z } from 'zod'
import { createVisitor, type Visit } from '../../demo/visitor.ts'
import { callback } from '../../sandbox/exchange.ts'
import { readFormPost } from '../../sandbox/form-post.ts'
import { type Changes, type ProviderId, startSandbox } from '../../sandbox/sandbox.ts'
import { type CompleteConfig, readConfig } from '../../src/config.ts'
import type { Timing } from '../../src/jobs/timing.ts'
import { type Random, systemRandom } from '../../src/kernel/ids.ts'
import type { ReceivedMessage } from '../../src/mail/transport.ts'
import { connectSqlite } from '../../src/store/connect-sqlite.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { createVinculum, type Vinculum } from '../../src/vinculum.ts'
import { isThorough } from '../store/thorough.ts'
import { createReader, type Published, readDocuments, type Seen } from './documented.ts'
import { receive, sendLean } from './http.ts'
import { testRequestMs } from './opened-store.ts'
import { connectPostgres, createMigratedDatabase } from './postgres.ts'
import { newMigratedFile } from './sqlite.ts'

/** Jobs run when a test calls `runJob`, never in the background. */
const never = { stop: () => undefined, next: () => null }
const byHand: Timing = { now: () => new Date(), at: () => never, every: () => never }

export const databases = ['SQLite', 'PostgreSQL'] as const
export type DatabaseName = (typeof databases)[number]

/**
 * For tests of what is above the store: this database. The contract of the store states that both keep the same
 * promises, and that transactions of either survive races. `npm run bench:store` runs these tests on both, too.
 */
export const aboveStore = (database: DatabaseName): readonly DatabaseName[] => (isThorough ? databases : [database])

/**
 * The service's ID of each provider that a world has by default, in the order of the sign-in page. They differ in what
 * the service must do. `test/service/every-provider.test.ts` signs in with all others.
 */
export const providers = ['google', 'github', 'atlassian', 'acme', 'beta'] as const
export type ProviderName = (typeof providers)[number]
export const sandboxName: Readonly<Record<ProviderName, ProviderId>> = {
  google: 'google',
  github: 'github',
  atlassian: 'atlassian',
  acme: 'oidc',
  beta: 'oauth2',
}

export type Json = Readonly<Record<string, unknown>>
export type Answer = {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: Json
}

const object = z.record(z.string(), z.unknown())
export const listIn = (answer: Pick<Answer, 'text'>): readonly Json[] => z.array(object).parse(JSON.parse(answer.text))

/** Exactly the fields of contract §2. */
export const AuthAnswer = z.strictObject({
  user: z.strictObject({
    id: z.string().regex(/^usr_/),
    email: z.string().nullable(),
    email_verified: z.boolean(),
    name: z.string().nullable(),
    picture: z.string().nullable(),
  }),
  access_token: z.string(),
  refresh_token: z.string(),
  token_type: z.literal('bearer'),
  expires_in: z.number(),
  refresh_expires_in: z.number(),
  provider_info: z.strictObject({ provider: z.string(), provider_user_id: z.string() }),
  action: z.enum(['login_existing', 'linked_existing', 'linked_new', 'created_new_user']),
})
export type AuthAnswer = z.output<typeof AuthAnswer>

/** The AuthResponse of a successful sign-in; any other response fails the test with its content. */
export function authOf(answer: Answer): AuthAnswer {
  expect([answer.status, answer.body.code], answer.text).toEqual([200, undefined])
  return AuthAnswer.parse(answer.body)
}

/** The stable parts of an error: status and code. */
export const refusalOf = ({ status, body: { code } }: Answer): [number, unknown] => [status, code]

/** Below the range the system assigns itself, so that no client's socket uses it. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000)
    const free = await new Promise<boolean>((resolve) => {
      const probe = createServer()
      probe.once('error', () => resolve(false))
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
    })
    if (free) return port
  }
}

export const encryptionKey = randomBytes(32)

/** The longest that the settings allow: on a slow machine, too, time runs out only where a test wants it. */
export const noHurry = { REQUEST_DEADLINE_MS: String(testRequestMs) }

/** A circuit breaker opens only where a test wants it. */
export const patient = Object.fromEntries(
  providers.map((name) => [`${name.toUpperCase()}_BREAKER`, 'timeout_ms=30000,volume=1000']),
)

export type WorldOptions = {
  readonly database?: DatabaseName
  readonly env?: Readonly<Record<string, string>>
  /** Its providers, by their names in the sandbox. */
  readonly kinds?: readonly ProviderId[]
  /** Its source of randomness, for tests that check what was generated. */
  readonly random?: Random
}

type Node = { readonly base: string; readonly vinculum: Vinculum }

/**
 * The document of the first world, for all worlds of the process: it is the same for all settings apart from the
 * address of the service (`service/openapi`), and a service takes longer to build it than to start.
 */
let described: ReturnType<typeof describedAt> | undefined

async function describedAt(base: string) {
  const read = async (path: string) => (await (await fetch(base + path)).json()) as Published
  const document = readDocuments([await read('/openapi.json'), await read('/openapi.pages.json')])
  return { document, wrong: createReader(document) }
}

export async function startWorld({
  database = 'SQLite',
  env = {},
  kinds = Object.values(sandboxName),
  random = systemRandom,
}: WorldOptions = {}) {
  const start = Math.floor(Date.now() / 1000) * 1000
  let ahead = 0
  const clock = (): Date => new Date(start + ahead)
  const sandbox = await startSandbox({ clock })
  const url = database === 'SQLite' ? `file:${newMigratedFile()}` : await createMigratedDatabase()

  const logged: string[] = []
  const log = createLog(
    'trace',
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        logged.push(chunk.toString())
        done()
      },
    }),
  )

  const settings = (port: number, base: string, more: Readonly<Record<string, string>>): CompleteConfig => {
    const environment = {
      NODE_ENV: 'test',
      HOST: '127.0.0.1',
      PORT: String(port),
      PUBLIC_URL: base,
      DATABASE_URL: url,
      RATE_LIMITS: 'off',
      ENCRYPTION_KEYS: `k1:${encryptionKey.toString('base64')}`,
      ...noHurry,
      ...patient,
      ...sandbox.envOf(kinds),
      ...env,
      ...more,
    }
    const config = readConfig(environment)
    if (!config.encryptionKeys) throw new Error('no key was given')
    // The suite hashes thousands of passwords. `credentials/passwords` covers the strength that is configured.
    const passes = 'PASSWORD_HASH_PASSES' in environment ? config.passwords.passes : 1
    const passwords = { ...config.passwords, memoryKib: 1024, passes }
    return { ...config, passwords, encryptionKeys: config.encryptionKeys }
  }

  const running: Vinculum[] = []
  /** A node; `PUBLIC_URL` points to the first one, so users return there. */
  const startNode = async (
    publicUrl?: string,
    more: Readonly<Record<string, string>> = {},
    aheadSeconds = 0,
  ): Promise<Node> => {
    for (let attempt = 1; ; attempt++) {
      const port = await freePort()
      const base = `http://127.0.0.1:${port}`
      const vinculum = await createVinculum(settings(port, publicUrl ?? base, more), {
        clock: () => new Date(clock().getTime() + aheadSeconds * 1000),
        // The test clock stands in for the database's time that a node with a wrong clock would read.
        followDatabase: aheadSeconds === 0 ? false : async () => clock(),
        log,
        random,
        timing: byHand,
      })
      try {
        await vinculum.listen()
        running.push(vinculum)
        return { base, vinculum }
      } catch (error) {
        await vinculum.close()
        if (attempt === 5) throw error
      }
    }
  }
  const first = await startNode()
  const { base } = first

  // Every response is checked against the service's own document.
  described ??= describedAt(base)
  const { document, wrong } = await described
  const faults: string[] = []
  const seen: Seen[] = []
  /** A request, and its response as text. */
  const ask = async (input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Seen> => {
    const received = await receive(input, init)
    const to = new URL(input instanceof Request ? input.url : input)
    const one: Seen = { method: init?.method ?? 'GET', path: to.pathname, ...received }
    if (to.origin === sandbox.url) return one
    seen.push(one)
    const fault = wrong(one)
    if (fault !== undefined && !faults.includes(fault)) faults.push(fault)
    return one
  }
  const send: typeof fetch = async (input, init) => {
    const { status, headers, text } = await ask(input, init)
    return new Response(text === '' ? null : text, { status, headers })
  }

  let people = 0
  const run = randomBytes(3).toString('hex')

  /**
   * A new user known to every provider. The email address is verified everywhere, and Google hosts its domain, unless
   * `changes` say otherwise.
   */
  function newcomer(about: { email?: string; verified?: boolean; name?: string } = {}, changes: Changes = {}): string {
    people++
    const key = `p${people}-${run}`
    const { email = `${key}@example.com`, verified = true, name = `Person ${people} ${run}` } = about
    sandbox.addIdentity(
      { key, name, email, verified },
      { ...changes, google: { hd: 'example.com', ...changes.google } },
    )
    return key
  }
  const emailOf = (who: string): string => sandbox.identities.get(who)?.github?.emails[0]?.email ?? ''

  /** Signs in on the provider's pages as this user; returns the redirect URL without visiting it. */
  async function approve(authorizeUrl: string | URL, as: string): Promise<URL> {
    const there = createVisitor(sendLean)
    const to = new URL(authorizeUrl)
    to.searchParams.set('login_hint', as)
    let visit = await there.ask(to)
    for (let hop = 0; hop < 8; hop++) {
      const location = visit.headers.get('location')
      const form = location === null ? readFormPost(visit.text) : undefined
      if (form) return callback(form.action.href, form.fields)
      if (location === null) throw new Error(`${to.pathname} answered ${visit.status}: ${visit.text.slice(0, 300)}`)
      const next = new URL(location, visit.url)
      if (next.origin !== sandbox.url) return next
      visit = await there.ask(next)
    }
    throw new Error(`${to.pathname} never sent anybody back`)
  }

  type Asking = {
    readonly body?: object | string
    readonly form?: Readonly<Record<string, string>>
    readonly token?: string | undefined
    readonly headers?: Readonly<Record<string, string>>
    /** The node to call. */
    readonly at?: string
  }
  /** A program's request: JSON in and out. */
  async function call(method: string, path: string, asking: Asking = {}): Promise<Answer> {
    const { body, form, token, headers, at = base } = asking
    const text = form ? new URLSearchParams(form).toString() : typeof body === 'string' ? body : JSON.stringify(body)
    const type = form ? 'application/x-www-form-urlencoded' : 'application/json'
    const answer = await ask(new URL(path, at), {
      method,
      redirect: 'manual',
      headers: {
        accept: 'application/json',
        ...(text === undefined ? {} : { 'content-type': type }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(text === undefined ? {} : { body: text }),
    })
    return answerOf(answer)
  }

  type AppFlow = {
    readonly provider: ProviderName
    readonly url: string
    readonly state: string
    readonly flowToken: string
  }
  type Begin = { readonly intent?: 'login' | 'link'; readonly token?: string | undefined; readonly at?: string }
  /** Begins a sign-in as an app does. */
  async function begin(provider: ProviderName, { intent, token, at }: Begin = {}): Promise<AppFlow> {
    const begun = await call('POST', `/auth/${provider}/authorize`, {
      body: intent === undefined ? {} : { intent },
      token,
      ...(at === undefined ? {} : { at }),
    })
    expect(begun.status, begun.text).toBe(200)
    const started = z
      .strictObject({ authorize_url: z.url(), state: z.string(), flow_token: z.string(), expires_in: z.number() })
      .parse(begun.body)
    return { provider, url: started.authorize_url, state: started.state, flowToken: started.flow_token }
  }
  /** The provider's callback, as an app sends it. */
  const handedIn = (back: URL, flow: Pick<AppFlow, 'flowToken'>): Record<string, string> => ({
    ...Object.fromEntries(
      ['code', 'state', 'error', 'iss'].flatMap((name) => {
        const value = back.searchParams.get(name)
        return value === null ? [] : [[name, value]]
      }),
    ),
    flow_token: flow.flowToken,
  })
  const finish = (flow: AppFlow, back: URL, asking: Asking = {}): Promise<Answer> =>
    call('POST', `/auth/${flow.provider}/callback`, { body: handedIn(back, flow), ...asking })

  /** A complete sign-in or link through an app. */
  async function enter(provider: ProviderName, as: string, how: Begin = {}): Promise<Answer & { flow: AppFlow }> {
    const flow = await begin(provider, how)
    const { token, at } = how
    const back = await approve(flow.url, as)
    return { ...(await finish(flow, back, { token, ...(at === undefined ? {} : { at }) })), flow }
  }
  const signIn = async (provider: ProviderName, as: string, how: Begin = {}): Promise<AuthAnswer> =>
    authOf(await enter(provider, as, how))

  /** A browser at this service: its cookies, and the provider's pages in between. */
  function openBrowser() {
    const visitor = createVisitor(async (to, init) => {
      const { status, headers, text } = await ask(to, init)
      return { status, headers, text: async () => text }
    })
    /** Goes to the provider and back: returns the callback URL without visiting it. */
    async function toProvider(provider: string, as: string, query: Record<string, string> = {}): Promise<URL> {
      const to = new URL(`/auth/${provider}`, base)
      for (const [name, value] of Object.entries(query)) to.searchParams.set(name, value)
      const visit = await visitor.ask(to)
      expect(visit.status, visit.text).toBe(303)
      return approve(visit.headers.get('location') ?? '', as)
    }
    return {
      ...visitor,
      toProvider,
      /** A complete sign-in: returns the response to the callback, without following it. */
      async signIn(provider: string, as: string, query: Record<string, string> = {}): Promise<Visit> {
        return visitor.ask(await toProvider(provider, as, query))
      },
      /** JSON with the browser's cookies, as a script on our own pages sends it. */
      async json(method: string, path: string, { body, headers }: Asking = {}): Promise<Answer> {
        const visit = await visitor.ask(new URL(path, base), {
          method,
          headers: {
            accept: 'application/json',
            origin: base,
            'sec-fetch-site': 'same-origin',
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        })
        return answerOf(visit)
      },
    }
  }

  /** The messages to an email address, newest first, after all pending ones were sent. */
  async function mailTo(address: string): Promise<readonly ReceivedMessage[]> {
    // A run in progress may have looked just before the message was queued: the second one sees it.
    for (let round = 0; round < 2; round++) for (const vinculum of running) await vinculum.runJob('send-mail')
    const letters = running.flatMap(({ mailbox }) => mailbox?.messages() ?? [])
    return letters.filter(({ to }) => to === address).sort((a, b) => b.at.getTime() - a.at.getTime())
  }

  const open: (() => Promise<void>)[] = []
  /** One connection next to the service's, because each new one starts a process that has nothing cached. */
  let beside: Promise<pg.Client> | undefined
  let previous: Promise<unknown> = Promise.resolve()
  function query(statement: string): Promise<pg.QueryResult<Json>> {
    beside ??= connectPostgres(url)
    const answer = Promise.all([beside, previous]).then(([client]) => client.query<Json>(statement))
    previous = answer.catch(() => undefined)
    return answer
  }

  /** Every row of some tables, or of all of them, as the database stores it. */
  async function dump(...only: readonly string[]): Promise<Record<string, readonly Json[]>> {
    const tables: Record<string, readonly Json[]> = {}
    const wanted = (rows: readonly { name: string }[]): readonly string[] => {
      const names = rows.map(({ name }) => name)
      expect(names).toEqual(expect.arrayContaining([...only]))
      return only.length > 0 ? only : names
    }
    // Each row is written out once; a comparison that did so would do it for every pair.
    const order = (rows: readonly Json[]): readonly Json[] =>
      rows
        .map((row) => ({ row, text: JSON.stringify(row) }))
        .sort((a, b) => (a.text < b.text ? -1 : 1))
        .map(({ row }) => row)
    if (url.startsWith('file:')) {
      const db = connectSqlite(url.slice('file:'.length), { readonly: true })
      try {
        const names = db.prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite%'")
        for (const name of wanted(names.all() as { name: string }[]))
          tables[name] = order(db.prepare(`select * from "${name}"`).all() as Json[])
      } finally {
        db.close()
      }
      return tables
    }
    const { rows: names } = await query("select tablename as name from pg_tables where schemaname = 'public'")
    for (const name of wanted(names as { name: string }[]))
      tables[name] = order((await query(`select * from "${name}"`)).rows)
    return tables
  }

  /** An operator's statement on the database. */
  async function operator(statement: string): Promise<void> {
    if (url.startsWith('file:')) {
      const db = connectSqlite(url.slice('file:'.length), { timeout: 5000 })
      db.exec(statement)
      db.close()
      return
    }
    await query(statement)
  }

  return {
    ...first,
    databaseUrl: url,
    sandbox,
    clock,
    /** Advances the clock of the service and of every provider. */
    turn(seconds: number): void {
      ahead += seconds * 1000
    },
    /** Another node on the same database, behind the same URL. */
    another: (more?: Readonly<Record<string, string>>) => startNode(base, more),
    /** Another node, on a machine whose own clock is that many seconds ahead; behind, if negative. */
    skewed: (aheadSeconds: number) => startNode(base, {}, aheadSeconds),
    logged,
    document,
    seen,
    send,
    newcomer,
    emailOf,
    approve,
    call,
    begin,
    handedIn,
    finish,
    enter,
    signIn,
    openBrowser,
    mailTo,
    dump,
    operator,
    /** The audit log, oldest first. */
    async trail(): Promise<readonly Json[]> {
      const { audit = [] } = await dump('audit')
      return [...audit].sort((a, b) => Number(a.at) - Number(b.at) || Number(a.ordinal) - Number(b.ordinal))
    },
    /** Between tests: removes every fault, and no user is signed in at the providers automatically. */
    calm(): void {
      sandbox.clearFaults()
      sandbox.as('click')
    },
    /** What a helper opened for this world, and closes with it. */
    onStop: (close: () => Promise<void>): unknown => open.push(close),
    /** Closes everything, and fails if a response was not as documented. */
    async stop(): Promise<void> {
      await Promise.all(running.map((vinculum) => vinculum.close()))
      await Promise.all([sandbox.close(), beside?.then((client) => client.end()), ...open.map((close) => close())])
      expect(faults).toEqual([])
    },
  }
}
export type World = Awaited<ReturnType<typeof startWorld>>
export type Browser = ReturnType<World['openBrowser']>

export function answerOf({ status, headers, text }: Pick<Visit, 'status' | 'headers' | 'text'>): Answer {
  const read = /[/+]json\b/.test(headers.get('content-type') ?? '') ? object.safeParse(JSON.parse(text)) : undefined
  return { status, headers, text, body: read?.success ? read.data : {} }
}

/** The cookies a response sets, by name, without those it deletes. */
export function cookiesOf(headers: Headers): Readonly<Record<string, string>> {
  const set = headers.getSetCookie().flatMap((line) => {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    return value === '' ? [] : [[name, value]]
  })
  return Object.fromEntries(set)
}

export type { Visit }

export function pkce(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}
