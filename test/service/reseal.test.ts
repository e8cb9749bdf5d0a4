import { setTimeout as pause } from 'node:timers/promises'
import { count, getTableName, like } from 'drizzle-orm'
import { decodeProtectedHeader } from 'jose'
import { TOTP } from 'otpauth'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSealer, type KeyRing, type SealingKey, UnopenableError } from '../../src/kernel/crypto.ts'
import { createIds, systemRandom } from '../../src/kernel/ids.ts'
import { KeyRingError } from '../../src/sealing/ring.ts'
import { placesIn, sealedByKey } from '../../src/store/sealed.ts'
import { administratorOf, callback, discovered, follow, register, request } from '../support/applications.ts'
import { type Driver, openDriver } from '../support/behind.ts'
import { runCommand } from '../support/command.ts'
import { startService } from '../support/process.ts'
import { newKey } from '../support/sealers.ts'
import {
  type Answer,
  authOf,
  cookiesOf,
  databases,
  type Json,
  listIn,
  startWorld,
  type World,
} from '../support/service.ts'

const [k1, k2, k3] = [newKey('k1'), newKey('k2'), newKey('k3')]
const written = (...ring: KeyRing): string =>
  ring.map(({ id, key }: SealingKey) => `${id}:${key.toString('base64')}`).join(',')
/** The format of an encrypted value, in whatever column. */
const envelope = /^v1\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]{58,}$/

describe.each(databases)('a new encryption key, on %s', (database) => {
  let world: World
  let driver: Driver
  let grants: ReadonlyMap<string, string>
  beforeAll(async () => {
    world = await startWorld({
      database,
      env: { ENCRYPTION_KEYS: written(k1, k2, k3), OAUTH_USER_INFO_CACHE_TTL_SECONDS: '1' },
    })
    driver = await openDriver(world.databaseUrl)
  })
  afterAll(async () => {
    await driver.close()
    await world.stop()
  })

  /** Provider tokens of users who do not return: so many that encrypting them again takes a while. */
  async function strangers(many: number, sealing: SealingKey): Promise<ReadonlyMap<string, string>> {
    const sealer = createSealer([sealing], systemRandom)
    const ids = createIds(world.clock, systemRandom)
    const [at, made] = [world.clock(), new Map<string, string>()]
    for (let from = 0; from < many; from += 200) {
      const rows = Array.from({ length: Math.min(200, many - from) }, () => {
        const id = ids('grt')
        made.set(id, `token of ${id}`)
        return {
          id,
          provider: 'google',
          issuer: 'google',
          clientId: 'gone',
          subject: id,
          holder: 'person',
          askedScopes: [],
          scopes: [],
          accessToken: sealer.seal(`token of ${id}`, `grants/${id}/access_token`),
          refreshToken: sealer.seal(`refresh ${id}`, `grants/${id}/refresh_token`),
          expiresAt: null,
          refreshExpiresAt: null,
          status: 'healthy' as const,
          consentedAt: at,
          refreshedAt: null,
          usedAt: null,
          dueAt: null,
          failures: 0,
          lastError: null,
          lastErrorAt: null,
          updatedAt: at,
          leaseOwner: null,
          leaseUntil: null,
          fence: 1,
        }
      })
      await driver.write(driver.db.insert(driver.tables.grants).values(rows))
    }
    return made
  }

  const settings = (...ring: KeyRing) => ({
    ...world.sandbox.env,
    NODE_ENV: 'test',
    PUBLIC_URL: world.base,
    PORT: new URL(world.base).port,
    LOG_LEVEL: 'warn',
    DATABASE_URL: world.databaseUrl,
    ENCRYPTION_KEYS: written(...ring),
  })
  const reseal = (...ring: KeyRing) => runCommand(settings(...ring), ['reseal'])
  /** The same as a process of its own. */
  function resealProcess(...ring: KeyRing) {
    const service = startService(settings(...ring), ['reseal'])
    let stdout = ''
    service.process.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
    })
    return { ...service, said: () => stdout }
  }

  type Cell = { readonly at: string; readonly key: string }
  const sealed = async (): Promise<readonly Cell[]> =>
    Object.entries(await world.dump()).flatMap(([table, rows]) =>
      rows.flatMap((row) =>
        Object.entries(row).flatMap(([column, value]) => {
          const [, key] = typeof value === 'string' ? (envelope.exec(value) ?? []) : []
          // A value that proves a key stays encrypted with that key.
          if (key === undefined || (table === 'sealing_keys' && row.id === key)) return []
          return [{ at: `${table}.${column}`, key }]
        }),
      ),
    )
  const keysInUse = async (): Promise<readonly string[]> => [...new Set((await sealed()).map(({ key }) => key))].sort()

  /** A user with an authenticator app and recovery codes. */
  async function careful() {
    const who = world.newcomer()
    const { access_token: token } = await world.signIn('google', who)
    const begun = await world.call('POST', '/me/second-factor/totp', { token, body: {} })
    const totp = new TOTP({ secret: String(begun.body.secret) })
    const code = (): string => totp.generate({ timestamp: world.clock().getTime() })
    const confirmed = await world.call('POST', '/me/second-factor/totp/confirm', { token, body: { code: code() } })
    const codes = confirmed.body.recovery_codes as string[]
    const enter = async (at: string, proof: () => Json) => {
      const half = await world.enter('google', who, { at })
      return world.call('POST', '/auth/second-factor', {
        body: { second_factor_ticket: half.body.second_factor_ticket, ...proof() },
        at,
      })
    }
    return { who, code, codes, enter }
  }
  let ada: Awaited<ReturnType<typeof careful>>
  /** An application with a signing key of its own kind. */
  let legacy: { readonly id: string; readonly secret: string | null }

  /** Creates one value of every encrypted kind on the first node, with k1. */
  async function everything(): Promise<void> {
    ada = await careful()
    legacy = await register(world, await administratorOf(world), { id_token_signed_response_alg: 'RS256' })
    await world.begin('github')
    const holder = world.newcomer()
    const { access_token: token } = await world.signIn('google', holder)
    await world.enter('acme', world.newcomer({ email: world.emailOf(holder) }))
    await world.enter('beta', holder, { intent: 'link', token })
    world.sandbox.fault({ provider: 'oauth2', endpoint: 'revoke' }, { kind: 'status', status: 503 })
    const linked = listIn(await world.call('GET', '/me/identities', { token })).find((one) => one.provider === 'beta')
    expect((await world.call('DELETE', `/me/identities/${linked?.id}`, { token })).status).toBe(204)
    const id = createIds(world.clock, systemRandom)('eml')
    const [at, later] = [world.clock(), new Date(world.clock().getTime() + 86_400_000)]
    await driver.write(
      driver.db.insert(driver.tables.mails).values({
        id,
        to: 'ada@example.com',
        locale: 'en',
        template: 'sign_in',
        params: {},
        accountId: null,
        attempts: 0,
        secret: createSealer([k1], systemRandom).seal('{}', `mails/${id}/secret`),
        nextAttemptAt: later,
        lastError: null,
        createdAt: at,
      }),
    )
    const sealer = createSealer([k1], systemRandom)
    const { providers, providerVersions, openidStates } = driver.tables
    await driver.write(
      driver.db.insert(providers).values({
        id: 'staff',
        kind: 'oidc',
        enabled: false,
        position: 0,
        revision: 1,
        version: 1,
        createdAt: at,
        updatedAt: at,
        deletedAt: null,
      }),
    )
    await driver.write(
      driver.db.insert(providerVersions).values({
        id: 'prv_1',
        provider: 'staff',
        version: 1,
        state: 'draft',
        settings: {},
        secret: sealer.seal('{}', 'provider_versions/prv_1/secret'),
        createdAt: at,
        trial: sealer.seal('{}', 'provider_versions/prv_1/trial'),
        trialExpiresAt: later,
      }),
    )
    await driver.write(
      driver.db.insert(openidStates).values({
        id: 'ost_1',
        kind: 'Session',
        payload: sealer.seal('{}', 'openid_states/ost_1/payload'),
        createdAt: at,
        expiresAt: later,
      }),
    )
  }

  test('requires the previous key while values are encrypted with it', async () => {
    await everything()
    expect(await keysInUse()).toEqual(['k1'])
    // Every encrypted column has a value, so a forgotten column would be noticed below.
    const columns = placesIn(driver.tables).flatMap((place) =>
      place.columns.map(({ name }) => `${getTableName(place.table)}.${name}`),
    )
    expect([...new Set((await sealed()).map(({ at }) => at))].sort()).toEqual([...columns].sort())
    // `doctor` reads one value of each.
    const { samples } = await sealedByKey(driver, AbortSignal.timeout(10_000))
    expect([...new Set(samples.map(({ table, column }) => `${table}.${column}`))].sort()).toEqual([...columns].sort())
    const refused = world.another({ ENCRYPTION_KEYS: written(k2, k3) })
    await expect(refused).rejects.toThrow(KeyRingError)
    // `promises.test.ts` covers that the process prints exactly this sentence.
    await expect(refused).rejects.toThrow(/^ENCRYPTION_KEYS: the key k1 is missing.*totp_factors: 1.*grants: \d+/)
  })

  test('takes over even when the command is killed halfway and run again', async () => {
    grants = await strangers(1000, k1)
    const total = (await sealed()).filter(({ key }) => key === 'k1').length
    const first = resealProcess(k2, k1, k3)
    const done = async (): Promise<number> => (await sealed()).filter(({ key }) => key === 'k2').length
    const { db, read, tables } = driver
    const begun = (): Promise<{ n: number }[]> =>
      read(db.select({ n: count() }).from(tables.grants).where(like(tables.grants.accessToken, 'v1.k2.%')))
    while (((await begun())[0]?.n ?? 0) < 25) await pause(20)
    first.process.kill('SIGKILL')
    expect((await first.ended).signal).toBe('SIGKILL')
    const halfway = await done()
    expect(halfway).toBeLessThan(total)

    const second = await reseal(k2, k1, k3)
    expect([second.code, second.stderr]).toEqual([0, ''])
    expect(second.stdout).toContain(`${total - halfway} values were encrypted again with k2.`)
    expect(second.stdout).toContain(
      'Everything is encrypted with k2. Once each node runs with this key first, you can remove the others.',
    )
    expect(await keysInUse()).toEqual(['k2'])

    // Nothing was lost, and no value can be decrypted in another place.
    const sealer = createSealer([k2], systemRandom)
    const { grants: kept = [] } = await world.dump('grants')
    const [one, other] = kept.filter(({ id }) => grants.has(String(id)))
    for (const { id, access_token, refresh_token } of kept) {
      if (!grants.has(String(id))) continue
      expect(sealer.open(String(access_token), `grants/${id}/access_token`)).toBe(grants.get(String(id)))
      expect(sealer.open(String(refresh_token), `grants/${id}/refresh_token`)).toBe(`refresh ${id}`)
    }
    expect(() => sealer.open(String(one?.access_token), `grants/${other?.id}/access_token`)).toThrow(UnopenableError)

    const again = await reseal(k2, k1, k3)
    expect(again.code).toBe(0)
    expect(again.stdout).toContain('0 values were encrypted again with k2.')
  })

  test('takes over while the service is under load, and no read fails', async () => {
    // Encrypted before the command runs, and read while it runs.
    const readers: { token: string; identity: string }[] = []
    for (let n = 0; n < 6; n++) {
      const { access_token: token } = await world.signIn('atlassian', world.newcomer())
      const [identity] = listIn(await world.call('GET', '/me/identities', { token }))
      readers.push({ token, identity: String(identity?.id) })
    }
    const node = await world.another({ ENCRYPTION_KEYS: written(k3, k2, k1) })
    const failed: string[] = []
    const counts = { entered: 0, refreshed: 0, proven: 0, read: 0 }
    let over = false
    // The pause leaves the command as much of the machine as the load takes: without it, the command only takes longer.
    const expected = async (what: keyof typeof counts, { status, text }: Answer): Promise<void> => {
      if (status === 200) counts[what]++
      else failed.push(`${what}: ${status} ${text.slice(0, 200)}`)
      await pause(100)
    }
    const at = node.base

    const entering = async (): Promise<void> => {
      while (!over) {
        const answer = await world.enter('google', world.newcomer(), { at })
        await expected('entered', answer)
      }
    }
    const refreshing = async (): Promise<void> => {
      let { refresh_token } = await world.signIn('github', world.newcomer(), { at })
      while (!over) {
        const answer = await world.call('POST', '/auth/refresh', { body: { refresh_token }, at })
        if (answer.status === 200) refresh_token = String(answer.body.refresh_token)
        await expected('refreshed', answer)
      }
    }
    // A profile is cached for a second, so each turn of the clock decrypts the provider's token again.
    const reading = async (): Promise<void> => {
      while (!over)
        for (const { token, identity } of readers) {
          const answer = await world.call('GET', `/me/identities/${identity}/profile`, { token, at })
          await expected('read', answer)
        }
    }
    // A code works once, so the clock advances; but by less than the lifetime of access tokens.
    const proving = async (): Promise<void> => {
      for (let turns = 0; turns < 50 && !over; turns++) {
        world.turn(31)
        const answer = await ada.enter(at, () => ({ totp: ada.code() }))
        await expected('proven', answer)
      }
    }
    const load = [entering(), refreshing(), reading(), proving()]
    const resealing = resealProcess(k3, k2, k1)
    const ended = await resealing.ended
    over = true
    await Promise.all(load)

    expect(failed).toEqual([])
    for (const [what, count] of Object.entries(counts)) expect(count, what).toBeGreaterThan(3)
    expect([ended.code, ended.stderr]).toEqual([0, ''])
    expect(resealing.said()).toMatch(/^grants: (\d+) of \1$/m)
    expect(await keysInUse()).toEqual(['k3'])
  })

  test('makes the previous keys removable, and recovery codes, apps, sessions and open forms stay valid', async () => {
    const signedIn = await world.signIn('google', world.newcomer())
    const browser = world.openBrowser()
    const { headers: entered } = await browser.signIn('google', world.newcomer())
    const cookie = `vinculum_session=${cookiesOf(entered).vinculum_session}`
    const page = await browser.ask(`${world.base}/account`)
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
    const { url, verifier } = await request(await discovered(world, legacy))
    const { left } = await follow(world, browser, url)
    const code = left?.searchParams.get('code') ?? ''
    // What the first node wrote in the meantime is encrypted with its own first key.
    expect((await reseal(k3, k2, k1)).code).toBe(0)
    const { base: at } = await world.another({ ENCRYPTION_KEYS: written(k3) })

    world.turn(31)
    authOf(await ada.enter(at, () => ({ recovery_code: ada.codes[0] })))
    authOf(await ada.enter(at, () => ({ totp: ada.code() })))
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: callback }
    const authorization = `Basic ${Buffer.from(`${legacy.id}:${legacy.secret}`).toString('base64')}`
    const { body, text } = await world.call('POST', '/oauth/token', { form, at, headers: { authorization } })
    expect(decodeProtectedHeader(String(body.id_token)).alg, text).toBe('RS256')
    const { refresh_token } = signedIn
    expect((await world.call('POST', '/auth/refresh', { body: { refresh_token }, at })).status).toBe(200)
    const headers = { cookie, origin: world.base, 'sec-fetch-site': 'same-origin', accept: 'text/html' }
    const out = await world.call('POST', '/account/sign-out', { form: { csrf }, headers, at })
    expect([out.status, out.text]).toEqual([303, ''])
    const { sealing_keys = [] } = await world.dump('sealing_keys')
    expect(sealing_keys.map(({ id }) => id).sort()).toEqual(['k3', 'root:'])
  })

  test('is not reported as complete when a value cannot be decrypted: the command counts such values and fails', async () => {
    await strangers(3, newKey('lost'))
    const ended = await reseal(k3)
    expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining('(grants: 6)')])
    expect(ended.stderr).toContain('ENCRYPTION_KEYS')
    expect(ended.stdout).not.toContain('you can remove the others')
    expect((await sealed()).filter(({ key }) => key === 'lost')).toHaveLength(6)
  })
})
