import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { redeemCode } from '../../src/flows/redeem-code.ts'
import { createReturns } from '../../src/flows/return-to.ts'
import { BusyError } from '../../src/kernel/busy.ts'
import { pkceChallenge } from '../../src/kernel/crypto.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { createSignInCodes } from '../../src/sessions/codes.ts'
import { type DeviceSessions, deviceSessions } from '../support/device-sessions.ts'
import { from } from '../support/people.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const refused = { ok: false, error: { code: 'code_invalid' } }

let turn: (seconds: number) => void
let at: DeviceSessions
let redeem: ReturnType<typeof redeemCode>
/** The value of `RETURN_TO_ALLOWED`. */
let allowed: URL[]
/** A code for a new session, as an app receives it in its URL. */
let issued: () => Promise<{ code: string; sessionId: string; accountId: string }>

beforeEach(async () => {
  const stopped = createStoppedClock()
  turn = stopped.turn
  at = await deviceSessions({ tag: 'sqlite', file: ':memory:' }, { clock: stopped.clock })
  allowed = [new URL('https://app.example/in'), new URL('https://other.example')]
  const returns = createReturns({ allowed, self: new URL('https://id.example') })
  const codes = createSignInCodes({ codes: at.store.codes, clock: stopped.clock, random: systemRandom, returns })
  redeem = redeemCode({ codes, devices: at.devices, tokens: at.tokens })
  issued = async () => {
    const accountId = await at.newAccount()
    const { session } = await at.newDevice(accountId)
    const about = { sessionId: session.id, accountId, codeChallenge: pkceChallenge(verifier) }
    const code = await codes.issue(
      { ...about, action: 'login_existing', provider: 'google', providerUserId: '42' },
      'https://app.example/in/here?x=1',
    )
    return { code, sessionId: session.id, accountId }
  }
})
afterEach(() => at.store.close())

test('a code is exchanged for the token pair of its session', async () => {
  const { code, sessionId, accountId } = await issued()
  const redeemed = await redeem(code, verifier, from)
  if (!redeemed.ok) throw new Error('the code was to be good')
  expect(redeemed.value).toMatchObject({
    account: { id: accountId },
    code: { action: 'login_existing', provider: 'google', providerUserId: '42' },
  })
  expect(await at.devices.byAccessToken(redeemed.value.pair.access_token)).toMatchObject({
    ok: true,
    value: { session: { id: sessionId } },
  })
})

test('a code expires after a minute', async () => {
  const [early, late] = [await issued(), await issued()]
  turn(59.999)
  expect(await redeem(early.code, verifier, from)).toMatchObject({ ok: true })
  turn(0.001)
  expect(await redeem(late.code, verifier, from)).toMatchObject(refused)
  expect(await at.store.sessions.find(late.sessionId)).toMatchObject({ endedAt: null })
})

/** Exchanges a code, and uses the access token. */
const enter = async (code: string): Promise<void> => {
  const redeemed = await redeem(code, verifier, from)
  if (!redeemed.ok) throw new Error('the code was to be good')
  expect(await at.devices.byAccessToken(redeemed.value.pair.access_token)).toMatchObject({ ok: true })
}

test('a code exchanged twice ends its session, since one of the two callers was not the app', async () => {
  const { code, sessionId } = await issued()
  await enter(code)
  expect(await redeem(code, verifier, from)).toMatchObject(refused)
  expect(await at.store.sessions.find(sessionId)).toMatchObject({ endReason: 'code_reused' })
})

test('a code sent again while nobody has used its tokens is refused, and for ten seconds ends nothing', async () => {
  const [soon, late] = [await issued(), await issued()]
  for (const { code } of [soon, late]) expect(await redeem(code, verifier, from)).toMatchObject({ ok: true })
  turn(10)
  expect(await redeem(soon.code, verifier, from)).toMatchObject(refused)
  expect(await at.store.sessions.find(soon.sessionId)).toMatchObject({ endedAt: null })
  turn(0.001)
  expect(await redeem(late.code, verifier, from)).toMatchObject(refused)
  expect(await at.store.sessions.find(late.sessionId)).toMatchObject({ endReason: 'code_reused' })
})

test('a code whose request found the database busy is exchanged when the request is repeated', async () => {
  const { code } = await issued()
  vi.spyOn(at.devices, 'find').mockRejectedValueOnce(new BusyError('the database', 5))
  await expect(redeem(code, verifier, from)).rejects.toThrow(BusyError)
  expect(await redeem(code, verifier, from)).toMatchObject({ ok: true })
})

test('a code that was used up although its request failed is refused when the request is repeated, and ends nothing', async () => {
  const { code, sessionId } = await issued()
  const { spend } = at.store.codes
  vi.spyOn(at.store.codes, 'spend').mockImplementationOnce(async (...of) => {
    await spend(...of)
    throw new BusyError('the database', 5)
  })
  await expect(redeem(code, verifier, from)).rejects.toThrow(BusyError)
  expect(await redeem(code, verifier, from)).toMatchObject(refused)
  expect(await at.store.sessions.find(sessionId)).toMatchObject({ endedAt: null })
})

test('a code is exchanged once, under any number of concurrent requests', async () => {
  const { code } = await issued()
  const answers = await Promise.all(Array.from({ length: 10 }, () => redeem(code, verifier, from)))
  expect(answers.filter(({ ok }) => ok).length).toBeLessThanOrEqual(1)
  expect(answers.every((answer) => answer.ok || answer.error.code === 'code_invalid')).toBe(true)
})

test.each([
  ['nothing', () => ''],
  ['another verifier', () => 'x'.repeat(43)],
  ['the challenge', () => pkceChallenge(verifier)],
  ['the code itself', (code: string) => code],
])('a code with %s as its verifier is consumed, and its session ends', async (_, wrong) => {
  const { code, sessionId } = await issued()
  expect(await redeem(code, wrong(code), from)).toMatchObject(refused)
  expect(await redeem(code, verifier, from)).toMatchObject(refused)
  expect(await at.store.sessions.find(sessionId)).toMatchObject({ endReason: 'code_reused' })
})

test('an exchanged code that is sent again without its verifier ends nothing', async () => {
  const { code, sessionId } = await issued()
  expect(await redeem(code, verifier, from)).toMatchObject({ ok: true })
  expect(await redeem(code, 'x'.repeat(43), from)).toMatchObject(refused)
  expect(await at.store.sessions.find(sessionId)).toMatchObject({ endedAt: null })
})

test('of a correct and a wrong verifier sent concurrently, at most the correct one succeeds', async () => {
  for (let round = 0; round < 5; round++) {
    const { code } = await issued()
    const [right, wrong] = await Promise.all([redeem(code, verifier, from), redeem(code, 'x'.repeat(43), from)])
    expect(wrong).toMatchObject(refused)
    if (!right.ok) expect(right).toMatchObject(refused)
    expect(await redeem(code, verifier, from)).toMatchObject(refused)
  }
})

test('a forged code is invalid', async () => {
  expect(await redeem('made up', verifier, from)).toMatchObject(refused)
})

test('a code of a session that ended in the meantime is invalid', async () => {
  const { code, sessionId, accountId } = await issued()
  await at.devices.end({ id: sessionId, accountId }, 'logout', from)
  expect(await redeem(code, verifier, from)).toMatchObject(refused)
})

test('a code of an app that was removed from RETURN_TO_ALLOWED is invalid, and one of another app still works', async () => {
  const { code, sessionId } = await issued()
  expect(code).toMatch(/^[\w-]{43}$/)
  allowed.pop()
  const [app] = allowed.splice(0)
  expect(await redeem(code, verifier, from)).toMatchObject(refused)
  // Its suffix is covered by its hash: without it, or with another one, it is a different code.
  allowed.push(new URL('https://other.example'))
  expect(await redeem(code, verifier, from)).toMatchObject(refused)
  expect(await redeem(code.slice(0, 32), verifier, from)).toMatchObject(refused)
  if (app) allowed.push(app)
  expect(await redeem(code, verifier, from)).toMatchObject({ ok: true })
  expect(await at.store.sessions.find(sessionId)).toMatchObject({ endedAt: null })
})
