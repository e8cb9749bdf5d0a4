/** Users of the service over HTTP, and what they observe. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Finding, finding, type ObservedResponse } from './judge.ts'

export type Node = { readonly port: number }
export type Body = Readonly<Record<string, unknown>>
export type Reply = ObservedResponse & { readonly body: Body; readonly headers: Headers }
export type Person = { readonly id: string; readonly email: string; access: string; refresh: string }

/** Longer than any promise of a case. A request without a response by then counts as unanswered. */
const patienceMs = 40_000

type Request = {
  readonly token?: string
  readonly body?: object
  readonly cookie?: string
  readonly signal?: AbortSignal
}

/** Makes one request. It never throws: status 0 means that there was no response. */
export async function call(node: Node, method: string, path: string, request: Request = {}): Promise<Reply> {
  const { token, body, cookie, signal = AbortSignal.timeout(patienceMs) } = request
  const began = performance.now()
  const about = path.split('?', 1)[0] ?? path
  try {
    const response = await fetch(`http://127.0.0.1:${node.port}${path}`, {
      method,
      signal,
      redirect: 'manual',
      headers: {
        Accept: 'application/json',
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
        ...(cookie !== undefined && { Cookie: cookie }),
        ...(body && { 'Content-Type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const read = response.headers.get('content-type')?.includes('json') && text !== '' ? JSON.parse(text) : {}
    return {
      path: about,
      status: response.status,
      code: read.code,
      hasRetryAfter: response.headers.has('retry-after'),
      ms: performance.now() - began,
      body: read,
      headers: response.headers,
    }
  } catch (error) {
    const { name, cause } = error as Error
    const code = (cause as { code?: string } | undefined)?.code ?? name
    return { path: about, status: 0, code, ms: performance.now() - began, body: {}, headers: new Headers() }
  }
}

/** Signs in with a provider without its page: the code is computed like the page would. */
export async function signInAt(node: Node, provider: string, subject: string): Promise<Reply> {
  const begun = await call(node, 'GET', `/auth/${provider}`)
  const location = begun.headers.get('location')
  const cookie = begun.headers.getSetCookie().map((one) => one.split(';', 1)[0])
  if (location === null) return begun
  const { state, code_challenge } = Object.fromEntries(new URL(location).searchParams)
  const code = Buffer.from(JSON.stringify({ subject, code_challenge })).toString('base64url')
  return call(node, 'GET', `/auth/${provider}/callback?code=${code}&state=${state}`, { cookie: cookie.join('; ') })
}

const asPerson = (reply: Reply): Person => {
  const user = reply.body.user as { id: string; email: string }
  return {
    id: user.id,
    email: user.email,
    access: String(reply.body.access_token),
    refresh: String(reply.body.refresh_token),
  }
}

/** Signs in a number of people, each with their own account. */
export async function people(node: Node, count: number, { provider = 'local', from = 0 } = {}): Promise<Person[]> {
  const found: Person[] = []
  for (let n = from; n < from + count; n++) {
    const reply = await signInAt(node, provider, `person-${n}`)
    if (reply.status !== 200) throw new Error(`a sign-in failed: ${reply.status} ${JSON.stringify(reply.body)}`)
    found.push(asPerson(reply))
  }
  return found
}

export const me = (node: Node, person: Person): Promise<Reply> => call(node, 'GET', '/me', { token: person.access })

/** Refreshes. On success the person has the new pair. */
export async function refresh(node: Node, person: Person): Promise<Reply> {
  const reply = await call(node, 'POST', '/auth/refresh', { body: { refresh_token: person.refresh } })
  if (reply.status === 200) {
    person.access = String(reply.body.access_token)
    person.refresh = String(reply.body.refresh_token)
  }
  return reply
}

export const sessionOf = ({ refresh: token }: Person): string =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sid

type Load = {
  readonly answers: readonly ObservedResponse[]
  readonly mixedUp: readonly string[]
  stop(): Promise<void>
}

/** Each person calls /me and refreshes, repeatedly, until the load is stopped. */
export function startLoad(node: Node, of: readonly Person[]): Load {
  const answers: ObservedResponse[] = []
  const mixedUp: string[] = []
  let over = false
  const chains = of.map(async (person) => {
    while (!over) {
      for (const ask of [me, refresh]) {
        const { body, headers: _, ...answer } = await ask(node, person)
        answers.push(answer)
        if (ask === me && answer.status === 200 && body.id !== person.id) mixedUp.push(`${person.id}: ${body.id}`)
        if (answer.status !== 200) await pause(50)
      }
    }
  })
  return {
    answers,
    mixedUp,
    async stop() {
      over = true
      await Promise.all(chains)
    },
  }
}

/** Makes the same request repeatedly, one at a time. */
export function watch(
  ask: () => Promise<ObservedResponse>,
  everyMs = 20,
): { readonly answers: ObservedResponse[]; stop(): Promise<void> } {
  const answers: ObservedResponse[] = []
  let over = false
  const watching = (async () => {
    while (!over) {
      const { path, status, code, ms } = await ask()
      answers.push({ path, status, code, ms })
      await pause(everyMs)
    }
  })()
  return {
    answers,
    async stop() {
      over = true
      await watching
    },
  }
}

export const live =
  (node: Node): (() => Promise<Reply>) =>
  () =>
    call(node, 'GET', '/health/live')
export const ready =
  (node: Node): (() => Promise<Reply>) =>
  () =>
    call(node, 'GET', '/health/ready')

/** Polls until the condition is true. Returns whether that was in time. */
export async function until(isSo: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> {
  const end = performance.now() + withinMs
  for (;;) {
    if (await isSo()) return true
    if (performance.now() > end) return false
    await pause(50)
  }
}

/** Everyone refreshes twice: all must still be signed in, and every chain must continue. */
export async function everyoneSignedIn(node: Node, of: readonly Person[]): Promise<Finding> {
  const lost: string[] = []
  const turnTwice = async (person: Person): Promise<void> => {
    for (let turn = 0; turn < 2; turn++) {
      let last: Reply | undefined
      const done = await until(async () => {
        last = await refresh(node, person)
        return last.status !== 503 && last.status !== 0
      }, 20_000)
      if (!done || last?.status !== 200) lost.push(`${last?.status} ${last?.code}`)
    }
  }
  await Promise.all(of.map(turnTwice))
  return finding(
    'everyone is still signed in, and the service has recovered within 20 s',
    lost.length === 0,
    lost.length === 0 ? `${of.length} of ${of.length}` : `refused: ${lost.join(', ')}`,
  )
}

/** `GET /health/ready` responds with 200 in time. */
export async function readyWithin(node: Node, ms: number): Promise<Finding> {
  const began = performance.now()
  const isReady = await until(async () => (await ready(node)()).status === 200, ms)
  return finding(`ready again within ${ms} ms`, isReady, `${Math.round(performance.now() - began)} ms`)
}
