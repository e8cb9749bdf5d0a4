import { afterEach, beforeEach, expect, test } from 'vitest'
import { redeemCode } from '../../src/flows/redeem-code.ts'
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
/** A code for a session just started, as an app gets it in its address bar. */
let issued: () => Promise<{ code: string; sessionId: string; accountId: string }>

beforeEach(async () => {
  const stopped = createStoppedClock()
  turn = stopped.turn
  at = await deviceSessions({ tag: 'sqlite', file: ':memory:' }, { clock: stopped.clock })
  const codes = createSignInCodes({ codes: at.store.codes, clock: stopped.clock, random: systemRandom })
  redeem = redeemCode({ codes, devices: at.devices, tokens: at.tokens })
  issued = async () => {
    const accountId = await at.newAccount()
    const { session } = await at.newDevice(accountId)
    const code = await codes.issue({
      sessionId: session.id,
      accountId,
      action: 'login_existing',
      provider: 'google',
      providerUserId: '42',
      codeChallenge: pkceChallenge(verifier),
    })
    return { code, sessionId: session.id, accountId }
  }
})
afterEach(() => at.store.close())

test('a code is traded for the pair of the session it stands for', async () => {
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

test('a code lives for a minute', async () => {
  const [early, late] = [await issued(), await issued()]
  turn(59.999)
  expect(await redeem(early.code, verifier, from)).toMatchObject({ ok: true })
  turn(0.001)
  expect(await redeem(late.code, verifier, from)).toMatchObject(refused)
  expect(await at.store.sessions.find(late.sessionId)).toMatchObject({ endedAt: null })
})

test('a code seen twice ends the session it brought, since one of the two was not the app', async () => {
  const { code, sessionId } = await issued()
  await redeem(code, verifier, from)
  expect(await redeem(code, verifier, from)).toMatchObject(refused)
  expect(await at.store.sessions.find(sessionId)).toMatchObject({ endReason: 'code_reused' })
})

test('a code is spent once, however many come at once', async () => {
  const { code } = await issued()
  const answers = await Promise.all(Array.from({ length: 10 }, () => redeem(code, verifier, from)))
  expect(answers.filter(({ ok }) => ok).length).toBeLessThanOrEqual(1)
  expect(answers.every((answer) => answer.ok || answer.error.code === 'code_invalid')).toBe(true)
})

test('whoever has the code without its verifier gets nothing, and cannot burn it either', async () => {
  const { code, sessionId } = await issued()
  for (const wrong of ['', 'x'.repeat(43), pkceChallenge(verifier), code])
    expect(await redeem(code, wrong, from)).toMatchObject(refused)
  expect(await at.store.sessions.find(sessionId)).toMatchObject({ endedAt: null })
  expect(await redeem(code, verifier, from)).toMatchObject({ ok: true })
})

test('a made-up code is worth nothing', async () => {
  expect(await redeem('made up', verifier, from)).toMatchObject(refused)
})

test('a code of a session that ended meanwhile is worth nothing', async () => {
  const { code, sessionId, accountId } = await issued()
  await at.devices.end({ id: sessionId, accountId }, 'logout', from)
  expect(await redeem(code, verifier, from)).toMatchObject(refused)
})
