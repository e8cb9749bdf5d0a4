/** Providers and mail hosts that are down, hang, or recover only partly. */
import { setTimeout as pause } from 'node:timers/promises'
import { startMailServer } from '../../test/support/mail-server.ts'
import type { Case } from './case.ts'
import { call, live, type Person, people, type Reply, signInAt, until, watch } from './client.ts'
import { finding, noDefects, noneLongerThan, onlyStatuses } from './judge.ts'
import { startStandIn } from './stand-in.ts'
import { newFile, startWith } from './start.ts'

/** The revocation job runs every 30 s, the message job every 5 s. */
const revocationMs = 45_000
const messageMs = 20_000

/** A provider's breaker states in the metrics; 0 is closed. */
async function breakerStates(port: number, provider: string): Promise<readonly string[]> {
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return metrics
    .split('\n')
    .filter((line) => line.startsWith('vinculum_circuit_breaker_state{') && line.includes(`"${provider}"`))
    .map((line) => line.split(' ').at(-1) ?? '')
}

export const providerCases: readonly Case[] = [
  {
    name: 'provider-half-healthy',
    promise: 'A provider that recovers and then hangs gets a few calls, not one per sign-in.',
    criteria:
      '200 sign-ins fail, it recovers, then it hangs: of 100 more at most 10 reach it; then it responds, and they work',
    withinSeconds: 90,
    async run(setting) {
      const provider = await startStandIn(setting, ['one'])
      const breaker = 'timeout_ms=1000,error_threshold_percent=50,volume=5,reset_ms=3000'
      const node = await startWith(setting, {
        database: `file:${newFile()}`,
        env: { ...provider.env, ONE_BREAKER: breaker },
      })
      await people(node, 1, { provider: 'one' })
      provider.become('one', 'fails')
      const during: Reply[] = []
      for (let n = 0; n < 200; n++) during.push(await signInAt(node, 'one', `outage-${n}`))
      provider.become('one', 'answers')
      const closed = await until(async () => (await signInAt(node, 'one', 'person-0')).status === 200, 10_000)
      provider.become('one', 'hangs')
      const before = provider.calls('one', 'token').length
      const hanging: Reply[] = []
      // One after the other: each call is made only if the breaker allows it.
      for (let n = 0; n < 25; n++) hanging.push(await signInAt(node, 'one', `hang-${n}`))
      // And many at once while it is open.
      hanging.push(...(await Promise.all(Array.from({ length: 75 }, (_, n) => signInAt(node, 'one', `wait-${n}`)))))
      const reached = provider.calls('one', 'token').length - before
      provider.become('one', 'answers')
      const works = await until(async () => (await signInAt(node, 'one', 'person-0')).status === 200, 10_000)
      return [
        onlyStatuses(during, [502, 503, 504]),
        onlyStatuses(hanging, [502, 503, 504]),
        noneLongerThan(3000, hanging),
        finding('its breaker closes within 10 s of the outage', closed, String(closed)),
        finding('at most 10 of 100 calls reach it', reached <= 10, reached),
        finding('sign-ins work within 10 s of its recovery', works, String(works)),
        noDefects(node.said()),
      ]
    },
  },
  {
    name: 'provider-two-on-one-origin',
    promise: 'Sign-ins that wait for one provider do not fail or delay those of another on the same origin.',
    criteria:
      '150 sign-ins wait for a provider that hangs: 40 at the other are 200 within 2 s, its breakers stay closed',
    withinSeconds: 60,
    async run(setting) {
      const provider = await startStandIn(setting, ['one', 'two'])
      const node = await startWith(setting, { database: `file:${newFile()}`, env: provider.env })
      provider.become('one', 'hangs')
      const alive = watch(live(node))
      setting.defer(() => alive.stop())
      const waiting = Promise.all(Array.from({ length: 150 }, (_, n) => signInAt(node, 'one', `wait-${n}`)))
      await until(() => provider.calls('one', 'token').length > 20, 10_000)
      const others: Reply[] = []
      for (let n = 0; n < 40; n++) others.push(await signInAt(node, 'two', `other-${n}`))
      const states = await breakerStates(node.port, 'two')
      const refused = await waiting
      await alive.stop()
      return [
        onlyStatuses(others, [200]),
        noneLongerThan(2000, others, 'sign-in at the other'),
        finding(
          'its breakers are closed',
          states.length > 0 && states.every((state) => state === '0'),
          states.join(', '),
        ),
        onlyStatuses(refused, [502, 503, 504]),
        noneLongerThan(15_000, refused, 'sign-in at the hanging one'),
        noneLongerThan(1000, alive.answers, '/health/live'),
        noDefects(node.said()),
      ]
    },
  },
  {
    name: 'provider-revocations',
    promise: 'Revocations that wait for one unavailable provider do not delay those of another.',
    criteria: '60 revocations wait for a provider that hangs: the other one’s arrives within its period and 15 s',
    withinSeconds: 120,
    async run(setting) {
      const provider = await startStandIn(setting, ['one', 'two'])
      const node = await startWith(setting, { database: `file:${newFile()}`, env: provider.env })
      const many = await people(node, 60, { provider: 'one' })
      const [one] = await people(node, 1, { provider: 'two', from: 1000 })
      provider.become('one', 'hangs')
      const leave = ({ access: token }: Person) => call(node, 'DELETE', '/me', { token })
      const left = [...(await Promise.all(many.map(leave))), await leave(one as Person)]
      const began = performance.now()
      const arrived = await until(() => provider.calls('two', 'revoke').length > 0, revocationMs)
      return [
        onlyStatuses(left, [204]),
        finding(`it arrives within ${revocationMs} ms`, arrived, `${Math.round(performance.now() - began)} ms`),
        finding(
          'the hanging one was called',
          provider.calls('one', 'revoke').length > 0,
          provider.calls('one', 'revoke').length,
        ),
        noDefects(node.said()),
      ]
    },
  },
  {
    name: 'provider-mail-host',
    promise: 'Messages that wait for one unavailable mail host do not delay those to another.',
    criteria: '30 messages to a domain whose host hangs: one to another domain arrives within its period and 15 s',
    withinSeconds: 90,
    async run(setting) {
      const mail = await startMailServer({
        onRcptTo: ({ address }, _session, done) => {
          // The relay tries the host of that domain, and never responds.
          if (!address.endsWith('@dead.example')) done()
        },
      })
      setting.defer(() => mail.stop())
      const node = await startWith(setting, {
        database: `file:${newFile()}`,
        env: { SMTP_URL: `smtp://127.0.0.1:${mail.port}` },
      })
      const register = (email: string) =>
        call(node, 'POST', '/auth/register', { body: { email, password: 'correct horse battery staple 7' } })
      const registered = await Promise.all(Array.from({ length: 30 }, (_, n) => register(`person-${n}@dead.example`)))
      // The first of them are being sent.
      await pause(6000)
      registered.push(await register('somebody@live.example'))
      const began = performance.now()
      const arrived = await until(
        () => mail.delivered.some(({ to }) => to.includes('somebody@live.example')),
        messageMs,
      )
      return [
        onlyStatuses(registered, [201]),
        finding(`it arrives within ${messageMs} ms`, arrived, `${Math.round(performance.now() - began)} ms`),
        noDefects(node.said()),
      ]
    },
  },
]
