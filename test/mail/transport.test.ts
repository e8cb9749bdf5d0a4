import { type AddressInfo, createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { Message } from '../../src/mail/ports.ts'
import { createMailbox, readFailure, type SmtpSettings, smtpTransport } from '../../src/mail/transport.ts'
import { startMailServer } from '../support/mail-server.ts'

const message: Message = {
  id: 'eml_1',
  to: 'ada@example.com',
  locale: 'pt-BR',
  sender: null,
  subject: 'A sua senha foi alterada — já',
  text: 'Olá.\n\n.\nUma linha com um ponto só.\n',
  html: '<p>Olá.</p>',
}
const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0)) await end()
})

async function server(...options: Parameters<typeof startMailServer>) {
  const started = await startMailServer(...options)
  ending.unshift(started.stop)
  return started
}
function through(
  port: number,
  more: Partial<SmtpSettings> = {},
  production = true,
  limits: { deliveryMs?: number; silenceMs?: number } = {},
) {
  const transport = smtpTransport(
    {
      host: '127.0.0.1',
      port,
      implicitTls: false,
      user: null,
      password: null,
      from: 'Vinculum <id@example.com>',
      ...more,
    },
    { production, ...limits },
  )
  ending.unshift(transport.close)
  return transport
}

describe('a message', () => {
  test('arrives as it was written, as text and as HTML, in its language', async () => {
    const { port, delivered } = await server()
    expect(await through(port).send(message)).toEqual({ tag: 'sent' })
    expect(delivered).toMatchObject([{ to: ['ada@example.com'], from: 'id@example.com', secure: false }])
    const raw = delivered[0]?.raw ?? ''
    for (const header of [
      'To: ada@example.com',
      'From: Vinculum <id@example.com>',
      'Message-ID: <eml_1@example.com>',
      'Content-Language: pt-BR',
      'Auto-Submitted: auto-generated',
      'Content-Type: multipart/alternative',
    ])
      expect(raw).toContain(header)
    expect(raw).toContain('=?UTF-8?')
    expect(raw).toContain('<p>Ol=C3=A1.</p>')
  })

  test('has one sender, for any sender name', async () => {
    const { port, delivered } = await server()
    await through(port, { from: 'Ada, Grace: & Co <id@example.com>' }).send(message)
    expect(delivered[0]?.from).toBe('id@example.com')
    expect(delivered[0]?.raw).toContain('From: "Ada, Grace: & Co" <id@example.com>')
    // The name that administrators set, in place of the one in the setting.
    await through(port).send({ ...message, sender: 'Eve <eve@evil.example>, Acme' })
    expect(delivered[1]?.from).toBe('id@example.com')
    expect(delivered[1]?.raw).toContain('From: "Eve <eve@evil.example>, Acme" <id@example.com>')
  })

  test('has one recipient and no other header than ours, for any subject', async () => {
    const { port, delivered } = await server()
    const hostile = { ...message, subject: 'Hello\r\nBcc: eve@evil.example\r\n\r\nbody' }
    expect(await through(port).send(hostile)).toEqual({ tag: 'sent' })
    expect(delivered[0]?.to).toEqual(['ada@example.com'])
    expect(delivered[0]?.raw).not.toMatch(/^bcc:/im)
  })

  test('is sent with the configured password, and retried later when it is refused', async () => {
    const options = {
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: (auth: { username?: string; password?: string }, _: unknown, done: (...answer: unknown[]) => void) =>
        auth.username === 'me' && auth.password === 'p:w@' ? done(null, { user: 'me' }) : done(new Error('no')),
    } as never
    const { port, delivered } = await server(options)
    expect(await through(port, { user: 'me', password: 'p:w@' }).send(message)).toEqual({ tag: 'sent' })
    const refused = await through(port, { user: 'me', password: 'wrong' }).send(message)
    expect(refused).toEqual({ tag: 'transient', reason: 'EAUTH_535', everybody: true })
    expect(delivered).toHaveLength(1)
  })
})

describe('the mail connection', () => {
  test('is encrypted where the server offers it, or from the first byte', async () => {
    const starttls = await server({ disabledCommands: [] })
    expect(await through(starttls.port).send(message)).toEqual({ tag: 'sent' })
    expect(starttls.delivered[0]?.secure).toBe(true)
    const implicit = await server({ secure: true })
    expect(await through(implicit.port, { implicitTls: true }).send(message)).toEqual({ tag: 'sent' })
    expect(implicit.delivered[0]?.secure).toBe(true)
  })

  // 0.0.0.0 reaches this machine without being one of its names.
  test('to another machine is refused in production without encryption', async () => {
    const plain = await server()
    expect(await through(plain.port, { host: '0.0.0.0' }).send(message)).toMatchObject({ tag: 'transient' })
    expect(plain.delivered).toEqual([])
    expect(await through(plain.port, { host: '0.0.0.0' }, false).send(message)).toEqual({ tag: 'sent' })
  })

  test('to another machine is refused with an untrusted certificate', async () => {
    const { port, delivered } = await server({ disabledCommands: [] })
    for (const production of [true, false]) {
      const answer = await through(port, { host: '0.0.0.0' }, production).send(message)
      expect(answer).toMatchObject({ tag: 'transient', everybody: true })
    }
    expect(delivered).toEqual([])
  })

  test('that fails is no fault of a message', async () => {
    const { port, stop } = await startMailServer()
    await stop()
    expect(await through(port).send(message)).toMatchObject({ tag: 'transient', everybody: true })
  })
})

describe('a delivery that takes too long', () => {
  const late = { tag: 'transient', reason: 'timed_out', everybody: false }

  test('ends with its connection, although the server is never silent', async () => {
    let isEnded = false
    const trickling = createServer((socket) => {
      socket.write('220 mail.example ESMTP\r\n')
      const timer = setInterval(() => socket.write('250-mail.example\r\n'), 5)
      socket.on('error', () => undefined)
      socket.resume().on('end', () => {
        isEnded = true
      })
      socket.on('close', () => clearInterval(timer))
    })
    await new Promise<void>((resolve) => trickling.listen(0, '127.0.0.1', resolve))
    ending.unshift(() => trickling.close())
    const { port } = trickling.address() as AddressInfo
    expect(await through(port, {}, true, { deliveryMs: 3000 }).send(message)).toEqual(late)
    await expect.poll(() => isEnded, { timeout: 60_000 }).toBe(true)
  })

  test('because the server is silent about its recipient says nothing about other messages', async () => {
    const { port, hold } = await server()
    hold(() => true)
    expect(await through(port, {}, true, { silenceMs: 3000 }).send(message)).toEqual(late)
  })

  test('because the server answers nobody is a failure of the server', async () => {
    const silent = createServer((socket) => {
      socket.on('error', () => undefined).resume()
      socket.write('220 mail.example ESMTP\r\n')
    })
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    ending.unshift(() => silent.close())
    const { port } = silent.address() as AddressInfo
    expect(await through(port, {}, true, { silenceMs: 500 }).send(message)).toEqual({ ...late, everybody: true })
  })

  test('leaves its place to other messages', async () => {
    const { port, hold, closed } = await server()
    hold(() => true)
    const transport = through(port, {}, true, { deliveryMs: 3000 })
    const sent = await Promise.all(Array.from({ length: 4 }, () => transport.send(message)))
    expect(sent).toEqual([late, late, late, late])
    await expect.poll(closed, { timeout: 60_000 }).toBe(4)
    hold(() => false)
    await expect.poll(() => transport.send(message), { timeout: 60_000 }).toEqual({ tag: 'sent' })
  })

  test('ends when the service stops', async () => {
    const { port, hold, held } = await server()
    hold(() => true)
    const transport = through(port)
    const sending = transport.send(message)
    await expect.poll(held, { timeout: 60_000 }).toHaveLength(1)
    transport.close()
    expect(await sending).toMatchObject({ tag: 'transient' })
  })
})

describe('a mail server’s refusal', () => {
  test.each([
    ['RCPT', 550, '5.1.1 no such mailbox', { tag: 'refused', reason: 'EENVELOPE_550' }],
    ['RCPT', 452, '4.2.2 mailbox full', { tag: 'transient', reason: 'EENVELOPE_452', everybody: false }],
    ['RCPT', 554, '5.7.1 relaying denied', { tag: 'transient', reason: 'EENVELOPE_554', everybody: false }],
    ['DATA', 552, '5.2.3 too large', { tag: 'refused', reason: 'EMESSAGE_552' }],
    ['DATA', 451, '4.7.1 come back later', { tag: 'transient', reason: 'EMESSAGE_451', everybody: false }],
  ] as const)('at %s with %i %s is classified', async (stage, code, text, delivery) => {
    const { port, refuse, accept, delivered } = await server()
    refuse(stage, code, text)
    const transport = through(port)
    expect(await transport.send(message)).toEqual(delivery)
    accept()
    expect(await transport.send(message)).toEqual({ tag: 'sent' })
    expect(delivered).toHaveLength(1)
  })

  test('that is unknown is temporary', () => {
    for (const thrown of [undefined, null, 'x', new Error('x'), { code: 'ESOCKET' }, { responseCode: 550 }])
      expect(readFailure(thrown).tag).toBe('transient')
  })
})

describe('the mailbox', () => {
  test('keeps the newest two hundred messages, newest first', async () => {
    const mailbox = createMailbox(() => new Date(0))
    for (let n = 1; n <= 203; n++) await mailbox.send({ ...message, id: `eml_${n}` })
    expect(mailbox.messages()).toHaveLength(200)
    expect(mailbox.messages()[0]?.id).toBe('eml_203')
    expect(mailbox.find('eml_4')?.to).toBe('ada@example.com')
    expect(mailbox.find('eml_3')).toBeUndefined()
  })
})
