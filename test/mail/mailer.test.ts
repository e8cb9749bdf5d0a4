import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { secondsAfter } from '../../src/kernel/clock.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { Limit, limitOfCaller, withinLimit } from '../../src/kernel/limit.ts'
import { createMailComposer } from '../../src/mail/compose.ts'
import { createMailer, mailRetryDelay } from '../../src/mail/mailer.ts'
import type { Delivery, Transport } from '../../src/mail/ports.ts'
import { smtpTransport } from '../../src/mail/transport.ts'
import { startMailServer } from '../support/mail-server.ts'
import { type OpenedStore, openedStore } from '../support/opened-store.ts'
import { plainBrand } from '../support/plain-brand.ts'
import { newSealer } from '../support/sealers.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'
import { takeDue } from '../support/take-due.ts'

let opened: OpenedStore
let time: ReturnType<typeof createStoppedClock>
let server: Awaited<ReturnType<typeof startMailServer>>
let transport: Transport
const sealer = newSealer()
let defects: unknown[] = []

beforeEach(async () => {
  defects = []
  time = createStoppedClock()
  opened = await openedStore({ tag: 'sqlite', file: ':memory:' }, time.clock)
  server = await startMailServer()
  transport = transportTo(server.port)
})
const transportTo = (port: number, deliveryMs = 60_000): Transport =>
  smtpTransport(
    {
      host: '127.0.0.1',
      port,
      implicitTls: false,
      user: null,
      password: null,
      from: 'Vinculum <id@example.com>',
    },
    { production: true, deliveryMs },
  )
afterEach(async () => {
  transport.close()
  await server.stop()
  await opened.store.close()
})

/** Rounds end when nothing is in progress, except in tests of slow messages. */
const mailer = (with_ = sealer, roundMs = 60_000) =>
  createMailer({
    mails: opened.store.mails,
    transport,
    sealer: with_,
    clock: time.clock,
    random: systemRandom,
    events: opened.events,
    publicUrl: new URL('https://id.example.com'),
    brand: () => plainBrand,
    providerName: (id) => id,
    onDefect: (error) => defects.push(error),
    roundMs,
  })
const message = (to = 'ada@example.com', params: Record<string, string> = {}) =>
  createMailComposer({ ids: opened.ids, clock: time.clock, sealer })({
    template: 'sign_in',
    to,
    locale: 'en',
    params,
    secret: { ticket: 'the-ticket', code: '12345678' },
  })
const results = () => opened.heard('mail.handled').map(({ data }) => data.result)

describe('the mail queue', () => {
  test('sends each message once, with the secret only its reader may know', async () => {
    await opened.store.mails.post(message())
    expect(JSON.stringify(await takeDue(opened.store.mails, 1, time.clock(), time.clock()))).not.toMatch(
      /12345678|the-ticket/,
    )
    expect(await mailer().work()).toBe(1)
    expect(await mailer().work()).toBe(0)
    expect(server.delivered).toHaveLength(1)
    expect(server.delivered[0]?.raw).toContain('12345678')
    expect(server.delivered[0]?.raw).toContain('https://id.example.com/login/email/link?ticket=3Dthe-ticket')
    expect(await mailer().backlog()).toBe(0)
    expect(opened.heard('mail.handled').map(({ data }) => data)).toEqual([
      { template: 'sign_in', result: 'sent', server: 'answered' },
    ])
  })

  test('waits for a server that is down, and loses nothing', async () => {
    await opened.store.mails.post(message('a@example.com'))
    await opened.store.mails.post(message('b@example.com'))
    server.refuse('RCPT', 451, '4.3.2 not now')
    expect(await mailer().work()).toBe(2)
    expect(await mailer().work()).toBe(0)
    time.turn(15)
    server.accept()
    expect(await mailer().work()).toBe(2)
    expect(server.delivered.flatMap(({ to }) => to).sort()).toEqual(['a@example.com', 'b@example.com'])
    expect(results()).toEqual(['transient', 'transient', 'sent', 'sent'])
  })

  test('tells a server that fails for every message from one that does not accept this one', async () => {
    const asked = () => opened.heard('mail.handled').map(({ data }) => data.server)
    await opened.store.mails.post(message())
    server.refuse('RCPT', 451, '4.3.2 not now')
    await mailer().work()
    // The server waits for its connections before it ends.
    transport.close()
    await server.stop()
    transport = transportTo(server.port)
    time.turn(15)
    await mailer().work()
    expect(asked()).toEqual(['answered', 'failed'])
  })

  test('gives up on a recipient that does not exist, and continues with the rest', async () => {
    server.refuse('RCPT', 550, '5.1.1 nobody')
    await opened.store.mails.post(message())
    await mailer().work()
    expect(results()).toEqual(['gave_up'])
    expect(await mailer().backlog()).toBe(0)
  })

  test('gives up after three days', async () => {
    server.refuse('DATA', 451, 'later')
    await opened.store.mails.post(message())
    let tries = 0
    for (let minute = 0; minute < 3 * 24 * 60; minute += 10) {
      tries += await mailer().work()
      time.turn(600)
    }
    expect(await mailer().work()).toBe(1)
    expect(await mailer().backlog()).toBe(0)
    expect(results().at(-1)).toBe('gave_up')
    expect(tries).toBeGreaterThan(20)
    expect(tries).toBeLessThan(70)
  })

  test('drops a message whose link has expired', async () => {
    const until = (seconds: number) => ({ expires_at: secondsAfter(time.clock(), seconds).toISOString() })
    await opened.store.mails.post(message('late@example.com', until(0)))
    await opened.store.mails.post(message('early@example.com', until(1)))
    await mailer().work()
    expect(server.delivered.map(({ to }) => to)).toEqual([['early@example.com']])
  })

  test('keeps a message that no key decrypts until the key is back', async () => {
    await opened.store.mails.post(message())
    await mailer(newSealer()).work()
    expect(results()).toEqual(['transient'])
    time.turn(15)
    await mailer().work()
    expect(server.delivered).toHaveLength(1)
  })

  test('is not blocked by a message that cannot be rendered', async () => {
    await opened.store.mails.post({ ...message(), template: 'of another version' as never })
    await opened.store.mails.post(message('b@example.com'))
    await mailer().work()
    expect(server.delivered.map(({ to }) => to)).toEqual([['b@example.com']])
    expect(defects).toHaveLength(1)
    expect(results().sort()).toEqual(['sent', 'transient'])
  })

  test('stops with the service: messages in progress are sent, the rest stays for the next start', async () => {
    for (let n = 0; n < 10; n++) await opened.store.mails.post(message(`p@${n % 2}.example.com`))
    const ending = mailer()
    const round = ending.work()
    await expect.poll(() => server.delivered.length).toBeGreaterThan(0)
    ending.stop()
    const sent = await round
    expect(server.delivered).toHaveLength(sent)
    expect(await mailer().backlog()).toBe(10 - sent)
  })

  test('continues with other hosts while one of them does not respond', async () => {
    for (let n = 0; n < 8; n++) await opened.store.mails.post(message(`p${n}@Slow.example`))
    time.turn(1)
    for (let n = 0; n < 8; n++) await opened.store.mails.post(message(`p${n}@quick.example`))
    const answers: (() => void)[] = []
    const sent: string[] = []
    const send = ({ to }: { to: string }): Promise<Delivery> => {
      sent.push(to)
      const done = { tag: 'sent' } as const
      return to.endsWith('@Slow.example') && answers.length < 3
        ? new Promise((resolve) => answers.push(() => resolve(done)))
        : Promise.resolve(done)
    }
    transport.close()
    transport = { send, close: () => {} }
    const round = mailer().work()
    await expect.poll(() => sent.filter((to) => to.endsWith('@quick.example'))).toHaveLength(8)
    expect(sent.filter((to) => to.endsWith('@Slow.example'))).toHaveLength(3)
    for (const answer of answers) answer()
    expect(await round).toBe(16)
  })

  describe('with a server that answers late for some recipients,', () => {
    const atSlow = (address: string): boolean => address.endsWith('@slow.example')
    const deliveredTo = () => server.delivered.flatMap(({ to }) => to).sort()
    const slow = (n: number) => `p${n}@slow.example`
    beforeEach(() => server.hold(atSlow))

    test('retries a message that takes too long later, on its own', async () => {
      transport.close()
      transport = transportTo(server.port, 300)
      await opened.store.mails.post(message(slow(0)))
      expect(await mailer().work()).toBe(1)
      expect(results()).toEqual(['transient'])
      transport.close()
      transport = transportTo(server.port)
      server.release()
      expect(await mailer().work()).toBe(0)
      time.turn(15)
      expect(await mailer().work()).toBe(1)
      expect(deliveredTo()).toEqual([slow(0)])
    })

    test('ends its round, and sends to other domains in the next, while slow messages continue', async () => {
      const sending = mailer(sealer, 50)
      for (let n = 0; n < 3; n++) await opened.store.mails.post(message(slow(n)))
      await sending.work()
      await expect.poll(server.held, { timeout: 60_000 }).toHaveLength(3)
      // No more than three at once to a domain, in whichever round they were taken.
      for (let n = 3; n < 5; n++) await opened.store.mails.post(message(slow(n)))
      time.turn(1)
      await opened.store.mails.post(message('b@quick.example'))
      let handled = await sending.work()
      await expect.poll(deliveredTo, { timeout: 60_000 }).toEqual(['b@quick.example'])
      handled += await sending.work()
      expect(server.held()).toHaveLength(3)
      server.release()
      const all = ['b@quick.example', ...[0, 1, 2, 3, 4].map(slow)]
      await expect
        .poll(
          async () => {
            handled += await sending.work()
            return handled
          },
          { timeout: 60_000 },
        )
        .toBe(6)
      expect(deliveredTo()).toEqual(all)
      expect(await sending.backlog()).toBe(0)
    })

    test('sends no more than four at once, in whichever round they were taken', async () => {
      server.hold(() => true)
      const sending = mailer(sealer, 50)
      for (let n = 0; n < 3; n++) await opened.store.mails.post(message(slow(n)))
      await sending.work()
      for (let n = 0; n < 3; n++) await opened.store.mails.post(message(`p@${n}.example`))
      await sending.work()
      await expect.poll(server.held, { timeout: 60_000 }).toHaveLength(4)
      await sending.work()
      const waiting = await takeDue(opened.store.mails, 10, time.clock(), time.clock())
      expect(waiting).toHaveLength(2)
      server.release()
      await sending.stop()
    })

    test('sends a message that a request queues at once, outside the time limit of the request', async () => {
      const through = transport
      const limits: unknown[] = []
      transport = {
        ...through,
        send: (sent) => {
          limits.push(limitOfCaller())
          return through.send(sent)
        },
      }
      const sending = mailer()
      await opened.store.mails.post(message(slow(0)))
      const round = sending.work()
      await expect.poll(server.held, { timeout: 60_000 }).toHaveLength(1)
      await opened.store.mails.post(message('b@quick.example'))
      withinLimit(new Limit(60_000), sending.wake)
      // The round still waits for the other message.
      await expect.poll(deliveredTo, { timeout: 60_000 }).toEqual(['b@quick.example'])
      expect(limits).toEqual([undefined, undefined])
      server.release()
      expect(await round).toBe(2)
    })

    test('stops only when the messages of earlier rounds have ended', async () => {
      const ending = mailer(sealer, 50)
      await opened.store.mails.post(message(slow(0)))
      await ending.work()
      await expect.poll(server.held, { timeout: 60_000 }).toHaveLength(1)
      const stopped = ending.stop().then(deliveredTo)
      server.release()
      expect(await stopped).toEqual([slow(0)])
      expect(await mailer().backlog()).toBe(0)
    })
  })

  test('reports an error of the queue, and continues in the next round', async () => {
    const { mails } = opened.store
    const failing = vi.spyOn(mails, 'take').mockRejectedValueOnce(new Error('no database'))
    const sending = mailer()
    await mails.post(message())
    await expect(sending.work()).rejects.toThrow('no database')
    expect(failing).toHaveBeenCalledTimes(1)
    expect(await sending.work()).toBe(1)
    expect(server.delivered).toHaveLength(1)
  })

  test('gives each message to one of several nodes', async () => {
    for (let n = 0; n < 30; n++) await opened.store.mails.post(message(`p${n}@example.com`))
    await Promise.all([mailer().work(), mailer().work(), mailer().work()])
    expect(new Set(server.delivered.flatMap(({ to }) => to)).size).toBe(30)
    expect(server.delivered).toHaveLength(30)
  })
})

test('the wait between attempts grows to three hours at most', () => {
  const most = Array.from({ length: 20 }, (_, n) =>
    Math.round(mailRetryDelay(n + 1, (bytes) => Buffer.alloc(bytes, 255))),
  )
  expect(most.slice(0, 4)).toEqual([15, 30, 60, 120])
  expect(most.at(-1)).toBe(10_800)
  expect(mailRetryDelay(1, (bytes) => Buffer.alloc(bytes))).toBe(7.5)
})
