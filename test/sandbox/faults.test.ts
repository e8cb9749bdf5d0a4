import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Fault, type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { withResolvers } from '../support/with-resolvers.ts'
import { walker } from './walk.ts'

let sandbox: Sandbox
let walk: ReturnType<typeof walker>
beforeAll(async () => {
  sandbox = await startSandbox({ as: 'ada' })
  walk = walker(sandbox, 'atlassian')
})
beforeEach(() => sandbox.reset())
afterAll(() => sandbox.close())

const TOKEN = { provider: 'atlassian', endpoint: 'token' } as const
const fails = (what: Promise<unknown>) =>
  what.then(
    () => 'succeeded',
    (error: Error & { cause?: { code?: string; name?: string } }) =>
      error.cause?.code ?? error.cause?.name ?? error.name,
  )
const patient = (ms: number) => fetch(walk.tokenUrl, { method: 'POST', signal: AbortSignal.timeout(ms) })

it('never responds until the client gives up', async () => {
  sandbox.fault(TOKEN, { kind: 'hang' })
  expect(await fails(patient(100))).toBe('TimeoutError')
})

it('sends headers at once and the body byte by byte, until the client gives up', async () => {
  sandbox.fault(TOKEN, { kind: 'drip' })
  const response = await patient(2000)
  expect(response.status).toBe(400)
  expect(await fails(response.text())).toBe('TimeoutError')
})

it('responds late', async () => {
  sandbox.fault(TOKEN, { kind: 'slow', ms: 80 })
  const before = performance.now()
  expect((await walk.trade(await walk.code())).status).toBe(200)
  expect(performance.now() - before).toBeGreaterThan(75)
})

it('responds once it may', async () => {
  const { promise: until, resolve: release } = withResolvers()
  sandbox.fault(TOKEN, { kind: 'held', until })
  let status = 0
  const trading = walk.trade(await walk.code()).then((answer) => {
    status = answer.status
  })
  await expect.poll(() => sandbox.journal.calls('atlassian', 'token').length).toBe(1)
  expect(status).toBe(0)
  release()
  await trading
  expect(status).toBe(200)
})

describe('closes the connection', () => {
  const code = async () => walk.trade(await walk.code())
  it('before the headers', async () => {
    sandbox.fault(TOKEN, { kind: 'reset' })
    expect(await fails(code())).toBe('UND_ERR_SOCKET')
  })
  it.each(['truncate-fin', 'truncate-rst'] as const)('in the middle of the body: %s', async (kind) => {
    sandbox.fault(TOKEN, { kind })
    expect(['UND_ERR_SOCKET', 'ECONNRESET', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH']).toContain(await fails(code()))
  })
  it('after the code was spent and the response lost', async () => {
    const value = await walk.code()
    sandbox.fault({ ...TOKEN, times: 1 }, { kind: 'lost-answer' })
    expect(await fails(walk.trade(value))).toBe('UND_ERR_SOCKET')
    expect((await walk.trade(value)).body.error_description).toBe('authorization_code is invalid')
  })
})

it('does not spend the code when the fault is in front of the provider', async () => {
  const value = await walk.code()
  sandbox.fault({ ...TOKEN, times: 1 }, { kind: 'status', status: 503, headers: { 'retry-after': '7' } })
  const busy = await walk.trade(value)
  expect([busy.status, busy.headers.get('retry-after')]).toEqual([503, '7'])
  expect((await walk.trade(value)).status).toBe(200)
})

it.each<[string, Fault, unknown]>([
  ['an HTML page', { kind: 'html' }, expect.stringContaining('access_token=')],
  ['null', { kind: 'null' }, 'null'],
  ['JSON of the wrong type', { kind: 'json', body: [42] }, '[42]'],
  ['truncated JSON', { kind: 'not-json' }, expect.stringMatching(/^\{[^}]*$/)],
])('responds 200 with %s', async (_what, fault, expected) => {
  sandbox.fault(TOKEN, fault)
  const response = await fetch(walk.tokenUrl, { method: 'POST' })
  expect(await response.text()).toEqual(expected)
})

it('pauses inside a character, and the response is still correct', async () => {
  sandbox.fault({ provider: 'atlassian', endpoint: 'userinfo' }, { kind: 'split' })
  const { body } = await walk.profile((await walk.signIn({ login_hint: 'zoe' })).access_token)
  expect(body.name).toBe('Zoë 🦊')
})

it('sends something that is not HTTP', async () => {
  sandbox.fault(TOKEN, { kind: 'not-http' })
  expect(await fails(patient(30_000))).toMatch(/^(HPE_|HTTPParserError)/)
})

it('redirects where it must not be followed', async () => {
  sandbox.fault(TOKEN, { kind: 'redirect', to: 'http://127.0.0.1:1/', status: 307 })
  const response = await fetch(walk.tokenUrl, { method: 'POST', redirect: 'manual' })
  expect([response.status, response.headers.get('location')]).toEqual([307, 'http://127.0.0.1:1/'])
})

it('streams endlessly, as far as the client reads', async () => {
  sandbox.fault(TOKEN, { kind: 'huge' })
  const response = await fetch(walk.tokenUrl, { method: 'POST' })
  const reader = response.body?.getReader()
  let size = 0
  while (size < 3_000_000) size += (await reader?.read())?.value?.length ?? Number.POSITIVE_INFINITY
  await reader?.cancel()
  expect(size).toBeLessThan(Number.POSITIVE_INFINITY)
})

it('sends a small response that expands to a large one', async () => {
  sandbox.fault(TOKEN, { kind: 'gzip-bomb' })
  const response = await fetch(walk.tokenUrl, { method: 'POST' })
  expect(Number(response.headers.get('content-length'))).toBeLessThan(64 * 1024)
  expect((await response.text()).length).toBeGreaterThan(30_000_000)
})

it('affects as many requests as configured, or a particular one', async () => {
  const statuses = async () => {
    const seen: number[] = []
    for (let n = 0; n < 4; n += 1) seen.push((await fetch(walk.tokenUrl, { method: 'POST' })).status)
    return seen
  }
  sandbox.fault({ ...TOKEN, times: 2 }, { kind: 'status', status: 502 })
  expect(await statuses()).toEqual([502, 502, 400, 400])
  sandbox.clearFaults()
  sandbox.fault({ ...TOKEN, nth: 3 }, { kind: 'status', status: 502 })
  expect(await statuses()).toEqual([400, 400, 502, 400])
})

it('leaves other endpoints and providers unaffected', async () => {
  sandbox.fault({ provider: 'google', endpoint: 'token' }, { kind: 'null' })
  sandbox.fault({ provider: 'atlassian', endpoint: 'sites' }, { kind: 'null' })
  expect((await walk.trade(await walk.code())).status).toBe(200)
})

it('changes a response with a function', async () => {
  const change = ({ account_id: _id, ...rest }: Record<string, unknown>) => rest
  sandbox.fault({ provider: 'atlassian', endpoint: 'userinfo' }, { kind: 'mutate', change })
  const { body } = await walk.profile((await walk.signIn()).access_token)
  expect(body).not.toHaveProperty('account_id')
  expect(body).toHaveProperty('email')
})

it.each(['google', 'oidc'] as const)('forges id_tokens of %s', async (provider) => {
  const signIn = async (what: Fault) => {
    sandbox.clearFaults()
    sandbox.fault({ provider, endpoint: 'token' }, what)
    return String((await walker(sandbox, provider).signIn({ nonce: 'n' })).id_token)
  }
  const claims = { nonce: 'other', aud: 'somebody', exp: null }
  const changed = decodeJwt(await signIn({ kind: 'id-token', claims }))
  expect(changed).toMatchObject({ nonce: 'other', aud: 'somebody' })
  expect(changed.exp).toBeUndefined()
  expect(decodeProtectedHeader(await signIn({ kind: 'id-token', kid: 'nobody' })).kid).toBe('nobody')
  expect(await signIn({ kind: 'id-token', alg: 'none' })).toMatch(/\.$/)
  expect(decodeProtectedHeader(await signIn({ kind: 'id-token', alg: 'HS256' })).alg).toBe('HS256')
})

it('closes, whatever hangs', async () => {
  const other = await startSandbox()
  for (const [n, kind] of (['hang', 'drip', 'huge'] as const).entries()) {
    other.fault({ provider: 'oauth2', endpoint: 'token', nth: n + 1 }, { kind })
  }
  const waiting = ['hang', 'drip', 'huge'].map(() =>
    fails(fetch(`${other.url}/oauth2/token`, { method: 'POST' }).then((response) => response.text())),
  )
  while (other.journal.length < 3) await new Promise((resolve) => setTimeout(resolve, 5))
  await other.close()
  await Promise.all(waiting)
})
