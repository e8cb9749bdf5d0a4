/** A user with every sign-in method, and a function that tries each method to its end. */
import { TOTP } from 'otpauth'
import { expect } from 'vitest'
import { catalogue, type ErrorCode, texts } from '../../src/errors/catalogue.ts'
import type { ReceivedMessage } from '../../src/mail/transport.ts'
import { createAuthenticator } from './authenticator.ts'
import { type Answer, type Browser, cookiesOf, type Json, pkce, type Visit, type World } from './service.ts'

const password = 'a bar over letters that belong together'
const another = 'ten thousand lighthouses, unlit'
let strangers = 0
export type Factor = 'totp' | 'recovery_code' | 'passkey'

/** The result of a method: an outcome, and the state to continue from where a second factor is required. */
export type Arrived = { readonly outcome: string; readonly ticket?: string; readonly browser?: Browser }
const asked = 'second_factor_required'

export type Somebody = Awaited<ReturnType<typeof somebodyIn>>
export type Kit = Awaited<ReturnType<typeof kitIn>>

/** What a run needs from its world: an administrator, and a back end that introspects. */
export async function kitIn(world: World) {
  const boss = world.newcomer()
  const { access_token: token, user } = await world.signIn('google', boss)
  await world.vinculum.makeAdministrator(user.id)
  const made = await world.call('POST', '/service-credentials', {
    token,
    body: { name: 'Shop', scopes: ['introspect'] },
  })
  expect(made.status, made.text).toBe(201)
  return {
    world,
    async disable(id: string): Promise<void> {
      // The clock advanced since the last one.
      const { access_token: recent } = await world.signIn('google', boss)
      expect((await world.call('POST', `/users/${id}/disable`, { token: recent })).status).toBe(200)
    },
    async isActive(introspected: string): Promise<boolean> {
      const secret = Buffer.from(`${made.body.id}:${made.body.secret}`).toString('base64')
      const answer = await world.call('POST', '/auth/introspect', {
        form: { token: introspected },
        headers: { authorization: `Basic ${secret}` },
      })
      expect(answer.status, answer.text).toBe(200)
      return answer.body.active === true
    },
  }
}

/**
 * With an identity, a password, a passkey and a mailbox. `proven`: their provider's email address is trusted. `factor`:
 * sign-ins require a second factor from the start.
 */
export async function somebodyIn(world: World, { proven, factor }: { proven: boolean; factor: boolean }) {
  const who = world.newcomer()
  const email = world.emailOf(who)
  const provider = proven ? ('google' as const) : ('acme' as const)
  const key = createAuthenticator(world.base)
  let app: TOTP | undefined
  let lastStep = 0
  let recoveryCodes: string[] = []
  /** The browser that is a known device, if any. */
  let known: { readonly browser: Browser; readonly cookie: string } | undefined

  const call: World['call'] = (method, path, asking = {}) =>
    world.call(method, path, {
      ...asking,
      headers: {
        ...(known ? { cookie: known.cookie, origin: world.base, 'sec-fetch-site': 'same-origin' } : {}),
        ...asking.headers,
      },
    })
  const post = (path: string, body: object, token?: string): Promise<Answer> => call('POST', path, { body, token })
  const browserOf = (): Browser => known?.browser ?? world.openBrowser()

  const own = await world.signIn(provider, who)
  const { id } = own.user
  let token = own.access_token

  /** Each code works once, and the code of the next half minute is already valid. */
  const code = (): string => {
    const now = Math.floor(world.clock().getTime() / 30_000)
    const step = Math.max(now, lastStep + 1)
    if (step > now + 1) world.turn(30 * (step - now - 1))
    lastStep = step
    return app?.generate({ timestamp: step * 30_000 }) ?? ''
  }

  async function turnOnFactor(): Promise<void> {
    const begun = await post('/me/second-factor/totp', {}, token)
    app = new TOTP({ secret: String(begun.body.secret) })
    const confirmed = await post('/me/second-factor/totp/confirm', { code: code() }, token)
    expect(confirmed.status, confirmed.text).toBe(200)
    recoveryCodes = confirmed.body.recovery_codes as string[]
    // Adding a factor proves nothing: from now on they use a session that was signed in with it.
    const half = await world.enter(provider, who)
    const { second_factor_ticket } = half.body
    const proven =
      half.status === 200
        ? half
        : await world.call('POST', '/auth/second-factor', { body: { second_factor_ticket, totp: code() } })
    expect(proven.status, proven.text).toBe(200)
    token = String(proven.body.access_token)
    // So that the next code needs no clock change, which would also end a wait.
    world.turn(30)
  }

  const isMe = async (found: Json, answer: Answer): Promise<Arrived> => {
    expect(answer.status, answer.text).toBe(200)
    return { outcome: found.id === id ? 'tokens' : 'tokens of a new account' }
  }
  /** The response an app received, with its tokens tried. */
  async function arrivedIn(answer: Answer): Promise<Arrived> {
    const { code: refusal, second_factor_ticket: ticket, access_token: access } = answer.body
    if (answer.status !== 200) return { outcome: String(refusal), ...(typeof ticket === 'string' ? { ticket } : {}) }
    const me = await world.call('GET', '/me', { token: String(access) })
    return isMe(me.body, me)
  }
  /** The response a browser received, with its session tried. */
  async function arrivedAt(visit: Visit, browser: Browser): Promise<Arrived> {
    const location = visit.headers.get('location') ?? ''
    if (location === '/login/second-factor') return { outcome: asked, browser }
    if (location.startsWith('/auth/conflicts/')) return { outcome: 'account_conflict' }
    if (cookiesOf(visit.headers).vinculum_session === undefined) return { outcome: refusalOn(visit) }
    const me = await browser.json('GET', '/me')
    return isMe(me.body, me)
  }
  const submit = async (browser: Browser, page: Visit, action: string, fields: Record<string, string>) => {
    const form = page.text.slice(page.text.indexOf(`action="${action}"`))
    const [, csrf = ''] = /name="csrf" value="([^"]*)"/.exec(form) ?? []
    const visit = await browser.ask(new URL(action, world.base), {
      method: 'POST',
      body: new URLSearchParams({ csrf, ...fields }),
      headers: { origin: world.base, 'sec-fetch-site': 'same-origin' },
    })
    return visit
  }

  /** Uses a second factor where one is required. */
  async function show(arrived: Arrived, by: Factor): Promise<Arrived> {
    const { ticket, browser } = arrived
    if (ticket === undefined && browser === undefined) return arrived
    const passkey = async (): Promise<{ flow_token: string; response: object }> => {
      const asking = ticket === undefined ? {} : { second_factor_ticket: ticket }
      const { body } = await (browser
        ? browser.json('POST', '/auth/second-factor/options', { body: asking })
        : post('/auth/second-factor/options', asking))
      return { flow_token: String(body.flow_token), response: key.get((body.options ?? {}) as Json) }
    }
    const typed = by === 'totp' ? { totp: code() } : { recovery_code: recoveryCodes.shift() ?? '' }
    if (browser) {
      const page = await browser.go(`${world.base}/login/second-factor`)
      const { flow_token, response } = by === 'passkey' ? await passkey() : { flow_token: '', response: {} }
      const fields = by === 'passkey' ? { flow_token, response: JSON.stringify(response) } : typed
      return arrivedAt(await submit(browser, page, '/login/second-factor', fields as Record<string, string>), browser)
    }
    const proof = by === 'passkey' ? { passkey: await passkey() } : typed
    return arrivedIn(await post('/auth/second-factor', { second_factor_ticket: ticket, ...proof }))
  }

  const letters = (): Promise<readonly ReceivedMessage[]> => world.mailTo(email)
  /** The messages an action sends. */
  async function lettersOf(act: () => Promise<Answer>): Promise<{ answer: Answer; text: string }> {
    const before = new Set(await letters())
    const answer = await act()
    expect(answer.status, answer.text).toBe(202)
    return { answer, text: (await letters()).flatMap((letter) => (before.has(letter) ? [] : letter.text)).join('\n') }
  }
  const ticketIn = (text: string): string | undefined => /\?ticket=([\w-]+)/.exec(text)?.[1]
  const codeIn = (text: string): string | undefined => /^ {4}(\d{8})$/m.exec(text)?.[1]

  const added = await post('/me/passkeys/options', {}, token)
  const response = key.create(added.body.options as Json)
  const made = await post('/me/passkeys', { flow_token: added.body.flow_token, name: 'Key', response }, token)
  expect(made.status, made.text).toBe(201)
  const set = await call('PUT', '/me/password', { token, body: { new_password: password } })
  expect(set.status, set.text).toBe(204)
  if (factor) await turnOnFactor()

  return {
    who,
    id,
    email,
    provider,
    password,
    another,
    /** A session with everything its account requires. */
    get token() {
      return token
    },
    key,
    call,
    post,
    browserOf,
    turnOnFactor,
    arrivedIn,
    arrivedAt,
    submit,
    show,
    async letterFor(path: '/auth/email' | '/auth/password/forgot') {
      const { answer, text } = await lettersOf(() => post(path, { email }))
      return { flowToken: answer.body.flow_token, ticket: ticketIn(text), code: codeIn(text) }
    },
    /** Signs in with a browser, which is a known device afterwards. */
    async enterBrowser(): Promise<{ browser: Browser; cookie: string }> {
      const browser = world.openBrowser()
      let visit = await browser.signIn(provider, who)
      if (visit.headers.get('location') === '/login/second-factor') {
        const page = await browser.go(`${world.base}/login/second-factor`)
        visit = await submit(browser, page, '/login/second-factor', { recovery_code: recoveryCodes.shift() ?? '' })
      }
      expect((await arrivedAt(visit, browser)).outcome).toBe('tokens')
      const { vinculum_device: device } = cookiesOf(visit.headers)
      return { browser, cookie: `vinculum_device=${device}` }
    },
    async trustBrowser(): Promise<void> {
      known = await this.enterBrowser()
    },
    /** Other people guess until they are rate limited. */
    async useUpGuesses(): Promise<void> {
      // From a separate network: one that guesses at many accounts is slowed down itself.
      const headers = { 'x-forwarded-for': `198.51.${Math.floor(++strangers / 250)}.${(strangers % 250) + 1}` }
      const begun = await world.call('POST', '/auth/email', { body: { email } })
      const guess = { flow_token: begun.body.flow_token, code: '00000000' }
      const codes: unknown[] = []
      for (let at = 0; at < 7; at++)
        codes.push((await world.call('POST', '/auth/email/finish', { body: guess, headers })).body.code)
      expect(codes.at(-1)).toBe('too_many_attempts')
    },
  }
}

const unescaped = (text: string): string =>
  text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&amp;', '&')
/** The error code of a page, by its sentence. */
function refusalOn({ text, status }: Visit): string {
  const page = unescaped(text)
  const told = (Object.keys(catalogue) as ErrorCode[]).filter((code) => {
    const pieces = texts.en[code].detail.split(/\{\w+\}/)
    return catalogue[code].status === status && pieces.every((piece) => page.includes(piece))
  })
  if (told.length !== 1) throw new Error(`a page (${status}) tells of ${told.join(' and ') || 'nothing'}: ${page}`)
  return String(told[0])
}

export type Path = {
  readonly name: string
  /** Tried by a user who already has a second factor. */
  readonly factor?: true
  /** The sessions and tokens they had before. */
  readonly before?: (one: Somebody, kit: Kit) => Promise<unknown>
  readonly walk: (one: Somebody, kit: Kit, held: never) => Promise<Arrived>
}
const path = <H>(
  name: string,
  {
    factor,
    before,
    walk,
  }: {
    factor?: true
    before?: (one: Somebody, kit: Kit) => Promise<H>
    walk: (one: Somebody, kit: Kit, held: H) => Promise<Arrived>
  },
): Path => ({ name, walk, ...(factor ? { factor } : {}), ...(before ? { before } : {}) })

const noLetter = { outcome: 'no message' }
const pairOf = async (one: Somebody, { world }: Kit) => world.signIn(one.provider, one.who)
const refusedOr = (answer: Answer, outcome: string): Arrived => ({
  outcome: answer.status === 200 ? outcome : String(answer.body.code),
})
/** A new account conflict. */
async function conflictOf(one: Somebody, { world }: Kit, action: 'link' | 'create'): Promise<Arrived> {
  const entered = await world.enter('atlassian', one.who)
  const ticket = entered.body.conflict_ticket
  if (typeof ticket !== 'string') return one.arrivedIn(entered)
  return one.arrivedIn(
    await one.call('POST', `/auth/conflicts/${ticket}`, {
      body: { action, flow_token: entered.flow.flowToken },
      ...(action === 'link' ? { token: one.token } : {}),
    }),
  )
}
async function passkeyAnswer(one: Somebody) {
  const { body } = await one.post('/auth/passkey/options', {})
  return { flow_token: String(body.flow_token), response: one.key.get(body.options as Json) }
}
const signInByPassword = (one: Somebody, given: string) =>
  one.call('POST', '/auth/token', { form: { username: one.email, password: given } })

/** Every route that returns tokens, and every route that renews them. */
export const paths: readonly Path[] = [
  path('Provider, in an app', {
    walk: async (one, { world }) => one.arrivedIn(await world.enter(one.provider, one.who)),
  }),
  path('Provider, in a browser', {
    async walk(one) {
      const browser = one.browserOf()
      return one.arrivedAt(await browser.signIn(one.provider, one.who), browser)
    },
  }),
  path('A second provider that verifies the same email address', {
    walk: async (one, { world }) => one.arrivedIn(await world.enter('github', one.who)),
  }),
  path('Password, in an app', {
    walk: async (one) => one.arrivedIn(await signInByPassword(one, one.password)),
  }),
  path('Password, in a browser', {
    async walk(one, { world }) {
      const browser = one.browserOf()
      const page = await browser.go(`${world.base}/login`)
      const fields = { username: one.email, password: one.password }
      return one.arrivedAt(await one.submit(browser, page, '/login/password', fields), browser)
    },
  }),
  path('Code by email, in an app', {
    async walk(one) {
      const { flowToken: flow_token, code } = await one.letterFor('/auth/email')
      return code === undefined ? noLetter : one.arrivedIn(await one.post('/auth/email/finish', { flow_token, code }))
    },
  }),
  path('Code by email, in a browser', {
    async walk(one, { world }) {
      const browser = one.browserOf()
      const before = new Set(await world.mailTo(one.email))
      const form = await browser.go(`${world.base}/login/email`)
      const { headers } = await one.submit(browser, form, '/login/email', { email: one.email })
      const page = await browser.go(new URL(headers.get('location') ?? '', world.base))
      const texts = (await world.mailTo(one.email)).flatMap((letter) => (before.has(letter) ? [] : letter.text))
      const [, code] = /^ {4}(\d{8})$/m.exec(texts.join('\n')) ?? []
      if (code === undefined) return noLetter
      return one.arrivedAt(await one.submit(browser, page, '/login/email/code', { code }), browser)
    },
  }),
  path('Link by email, in an app', {
    async walk(one) {
      const { ticket } = await one.letterFor('/auth/email')
      return ticket === undefined ? noLetter : one.arrivedIn(await one.post('/auth/email/finish', { ticket }))
    },
  }),
  path('Link by email, in a browser', {
    async walk(one, { world }) {
      const { ticket } = await one.letterFor('/auth/email')
      if (ticket === undefined) return noLetter
      const browser = one.browserOf()
      const page = await browser.go(`${world.base}/login/email/link?ticket=${ticket}`)
      return one.arrivedAt(await one.submit(browser, page, '/login/email/link', { ticket }), browser)
    },
  }),
  path('Link by email, sent before', {
    before: (one) => one.letterFor('/auth/email'),
    walk: async (one, _, { ticket }) =>
      ticket === undefined ? noLetter : one.arrivedIn(await one.post('/auth/email/finish', { ticket })),
  }),
  path('Passkey, in an app', {
    walk: async (one) => one.arrivedIn(await one.post('/auth/passkey', await passkeyAnswer(one))),
  }),
  path('Passkey, in a browser', {
    async walk(one, { world }) {
      const browser = one.browserOf()
      const page = await browser.go(`${world.base}/login`)
      const { flow_token, response } = await passkeyAnswer(one)
      const fields = { flow_token, response: JSON.stringify(response) }
      return one.arrivedAt(await one.submit(browser, page, '/login/passkey', fields), browser)
    },
  }),
  path('Password reset by email, then the new password', {
    async walk(one) {
      const { ticket } = await one.letterFor('/auth/password/forgot')
      if (ticket === undefined) return noLetter
      const reset = await one.post('/auth/password/reset', { ticket, password: one.another })
      return reset.status === 204 ? one.arrivedIn(await signInByPassword(one, one.another)) : one.arrivedIn(reset)
    },
  }),
  path('Reset link sent before, then the new password', {
    before: (one) => one.letterFor('/auth/password/forgot'),
    async walk(one, _, { ticket }) {
      if (ticket === undefined) return noLetter
      const reset = await one.post('/auth/password/reset', { ticket, password: one.another })
      return reset.status === 204 ? one.arrivedIn(await signInByPassword(one, one.another)) : one.arrivedIn(reset)
    },
  }),
  path('A sign-in from before that waited for its second factor, finished', {
    factor: true,
    before: async (one) => one.arrivedIn(await signInByPassword(one, one.password)),
    walk: async (_, __, held) => held,
  }),
  path('Question whose account it is: “link”, signed in before', {
    walk: (one, kit) => conflictOf(one, kit, 'link'),
  }),
  path('Question whose account it is: «create»', { walk: (one, kit) => conflictOf(one, kit, 'create') }),
  path('Refresh token from before', {
    before: pairOf,
    walk: async (one, _, { refresh_token }) => one.arrivedIn(await one.post('/auth/refresh', { refresh_token })),
  }),
  path('Session cookie from before, at /auth/refresh', {
    before: (one) => one.enterBrowser(),
    walk: async (one, _, { browser }) => one.arrivedIn(await browser.json('POST', '/auth/refresh', { body: {} })),
  }),
  path('Code for an app on another origin, issued before', {
    async before(one, { world }) {
      const { verifier, challenge } = pkce()
      const { headers } = await world.openBrowser().signIn(one.provider, one.who, {
        return_to: 'https://app.example/in',
        code_challenge: challenge,
        code_challenge_method: 'S256',
      })
      const code = new URL(headers.get('location') ?? '').searchParams.get('code')
      return { grant_type: 'authorization_code', code, code_verifier: verifier }
    },
    walk: async (one, _, trade) => one.arrivedIn(await one.post('/auth/token', trade)),
  }),
  path('Access token from before, at /me', {
    before: pairOf,
    walk: async (one, _, { access_token: token }) => refusedOr(await one.call('GET', '/me', { token }), 'answered'),
  }),
  path('Access token from before, introspected', {
    before: pairOf,
    walk: async (_, kit, held) => ({ outcome: (await kit.isActive(held.access_token)) ? 'active' : 'not active' }),
  }),
]
