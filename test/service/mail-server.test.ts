import { Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { createVinculum } from '../../src/vinculum.ts'
import { startMailServer } from '../support/mail-server.ts'
import { encryptionKey, freePort, startWorld, type World } from '../support/service.ts'
import { newFile } from '../support/sqlite.ts'

describe('with a mail server,', () => {
  let server: Awaited<ReturnType<typeof startMailServer>>
  let world: World
  beforeAll(async () => {
    server = await startMailServer()
    world = await startWorld({
      env: { SMTP_URL: `smtp://127.0.0.1:${server.port}`, MAIL_FROM: 'Vinculum <id@example.com>' },
    })
  })
  afterAll(async () => {
    await world.stop()
    await server.stop()
  })
  /** Waits until this many messages have arrived. */
  const arrived = async (messages: number): Promise<void> => {
    await expect.poll(() => server.delivered.length).toBe(messages)
  }

  test('a requested message arrives at once, and a notice soon', async () => {
    const who = world.newcomer()
    const { access_token: token } = await world.signIn('google', who)
    const email = world.emailOf(who)
    await world.call('POST', '/auth/email', { body: { email } })
    // No test runs the job here: the request wakes it.
    const message = () => server.delivered.find(({ raw }) => raw.includes('Subject: Your sign-in code'))
    await expect.poll(message).toMatchObject({ to: [email], from: 'id@example.com' })
    await world.vinculum.runJob('send-mail')
    const before = server.delivered.length
    await world.enter('github', world.newcomer({ email: 'elsewhere@example.com' }), { intent: 'link', token })
    await world.vinculum.runJob('send-mail')
    await arrived(before + 1)
    expect(server.delivered.at(-1)?.raw).toContain('Subject: GitHub was linked to your account')
  })

  test('a delivered message is not sent again, and a failed one is retried', async () => {
    const before = server.delivered.length
    server.refuse('DATA', 451, '4.3.0 later')
    await world.call('POST', '/auth/password/forgot', { body: { email: 'nobody@example.com' } })
    await world.vinculum.runJob('send-mail')
    await arrived(before)
    server.accept()
    world.turn(15)
    for (let round = 0; round < 3; round++) await world.vinculum.runJob('send-mail')
    await arrived(before + 1)
    const metrics = await (await fetch(`${world.base}/metrics`)).text()
    expect(metrics).toContain('vinculum_mails_total{template="no_account",result="transient"} 1')
    expect(metrics).toContain('vinculum_mails_total{template="no_account",result="sent"} 1')
  })

  test('the mailbox page does not exist', async () => {
    expect((await world.call('GET', '/mailbox')).status).toBe(404)
    expect(world.vinculum.mailbox).toBeNull()
  })
})

test('a service without a mail server reports it at startup and in API errors', async () => {
  const port = await freePort()
  const logged: string[] = []
  const log = createLog('warn', new Writable({ write: (chunk, _, done) => done(void logged.push(String(chunk))) }))
  const config = readConfig({
    NODE_ENV: 'test',
    PORT: String(port),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    DATABASE_URL: `file:${newFile()}`,
    ENCRYPTION_KEYS: `k1:${encryptionKey.toString('base64')}`,
  })
  if (!config.encryptionKeys) throw new Error('no key was given')
  // As in production without SMTP_URL.
  const vinculum = await createVinculum(
    { ...config, encryptionKeys: config.encryptionKeys, mail: { tag: 'off' } },
    { log },
  )
  await vinculum.listen()
  try {
    expect(logged.join('')).toContain('SMTP_URL is not set')
    const base = config.publicUrl.origin
    const ask = (path: string, body?: object, token?: string) =>
      fetch(`${base}${path}`, {
        method: body ? 'POST' : 'GET',
        headers: {
          accept: body ? 'application/json' : 'text/html',
          'content-type': 'application/json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
    for (const path of ['/auth/email', '/auth/password/forgot']) {
      const refused = await ask(path, { email: 'ada@example.com' })
      expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([404, 'mail_not_configured'])
    }
    const ada = { email: 'ada@example.com', password: 'ten thousand lighthouses, unlit' }
    expect((await ask('/auth/register', ada)).status).toBe(201)
    const pair = await ask('/auth/token', { username: ada.email, password: ada.password })
    const { access_token: token } = (await pair.json()) as { access_token: string }
    const { id } = (await (await ask('/teams', { name: 'Mathematics' }, token)).json()) as { id: string }
    const invited = await ask(`/teams/${id}/invitations`, { email: 'bob@example.com' }, token)
    expect([invited.status, ((await invited.json()) as { code: string }).code]).toEqual([404, 'mail_not_configured'])
    for (const path of ['/login/email', '/forgot-password', '/mailbox']) expect((await ask(path)).status).toBe(404)
    expect(await (await ask('/login')).text()).not.toMatch(/\/login\/email|forgot-password/)
  } finally {
    await vinculum.close()
  }
})
