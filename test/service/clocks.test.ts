/** Two nodes on one PostgreSQL whose own clocks differ, in real time: what they compare is the database's time. */
import { Writable } from 'node:stream'
import { decodeJwt } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { createVinculum, type Vinculum } from '../../src/vinculum.ts'
import { connectPostgres, createDatabase } from '../support/postgres.ts'
import { encryptionKey, freePort } from '../support/service.ts'

const running: Vinculum[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((vinculum) => vinculum.close()))
})

/** A node whose machine is that many seconds ahead. */
async function startNode(url: string, aheadSeconds: number) {
  const lines: string[] = []
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString())
      done()
    },
  })
  const port = await freePort()
  const config = readConfig({
    NODE_ENV: 'test',
    HOST: '127.0.0.1',
    PORT: String(port),
    PUBLIC_URL: 'http://127.0.0.1:3000',
    DATABASE_URL: url,
    RATE_LIMITS: 'off',
    ENCRYPTION_KEYS: `k1:${encryptionKey.toString('base64')}`,
  })
  if (!config.encryptionKeys) throw new Error('no key was given')
  const vinculum = await createVinculum(
    { ...config, encryptionKeys: config.encryptionKeys },
    {
      clock: () => new Date(Date.now() + aheadSeconds * 1000),
      followDatabase: true,
      log: createLog('info', sink),
    },
  )
  running.push(vinculum)
  await vinculum.listen()
  const post = async (path: string, body: object) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as Record<string, string> }
  }
  const me = async (token = '') =>
    (await fetch(`http://127.0.0.1:${port}/me`, { headers: { authorization: `Bearer ${token}` } })).status
  return { vinculum, post, me, lines }
}

describe.each([30, -30])('a node whose clock is %d seconds ahead of another', (ahead) => {
  test('takes a second tab for what it is, not for a thief', async () => {
    const url = await createDatabase()
    const [right, wrong] = [await startNode(url, 0), await startNode(url, ahead)]
    const person = { email: 'ada@example.com', password: 'seven green bicycles' }
    await right.post('/auth/register', { ...person, name: 'Ada' })
    for (let round = 0; round < 8; round += 1) {
      const [first, second] = round % 2 === 0 ? [right, wrong] : [wrong, right]
      const begun = await first.post('/auth/token', { username: person.email, password: person.password })
      expect(begun.status).toBe(200)
      const { refresh_token } = begun.body
      const [one, other] = [
        await first.post('/auth/refresh', { refresh_token }),
        await second.post('/auth/refresh', { refresh_token }),
      ]
      expect([one.status, other.status]).toEqual([200, 200])
      // Tokens of one are good at the other, from their first second on.
      expect(await Promise.all([second.me(one.body.access_token), first.me(other.body.access_token)])).toEqual([
        200, 200,
      ])
    }
  }, 60_000)

  test('writes the time that the other would have written, in tokens and in leases of jobs', async () => {
    const url = await createDatabase()
    const [right, wrong] = [await startNode(url, 0), await startNode(url, ahead)]
    const person = { email: 'ada@example.com', password: 'seven green bicycles' }
    await right.post('/auth/register', { ...person, name: 'Ada' })
    const before = Math.floor(Date.now() / 1000)
    const issued = await wrong.post('/auth/token', { username: person.email, password: person.password })
    const { iat = 0 } = decodeJwt(String(issued.body.access_token))
    await wrong.vinculum.runJob('sweep-expired')
    const client = await connectPostgres(url)
    const { rows } = await client.query("select started_at from jobs where name = 'sweep-expired'")
    await client.end()
    const after = Math.ceil(Date.now() / 1000)
    for (const seconds of [iat, Math.round(Number(rows[0]?.started_at) / 1000)]) {
      expect(seconds).toBeGreaterThanOrEqual(before - 2)
      expect(seconds).toBeLessThanOrEqual(after + 2)
    }
  }, 60_000)

  test('says so in its log, once, and the other says nothing', async () => {
    const url = await createDatabase()
    const [right, wrong] = [await startNode(url, 0), await startNode(url, ahead)]
    const skewed = (lines: readonly string[]) => lines.filter((line) => line.includes('"clock.skew"'))
    expect(skewed(wrong.lines)).toHaveLength(1)
    expect(Math.round(JSON.parse(String(skewed(wrong.lines)[0])).skew_ms / 1000)).toBe(ahead)
    expect(skewed(right.lines)).toEqual([])
  }, 60_000)
})
