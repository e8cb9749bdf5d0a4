import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createBus } from '../../src/events/bus.ts'
import { err, ok, type Result } from '../../src/kernel/result.ts'
import { createProfileCache, type ProviderProfile } from '../../src/providers/userinfo.ts'
import { enter, named, startWorld, type TestWorld, value } from './fixture.ts'

const said = (name: string): ProviderProfile => ({
  claims: { subject: '1', email: null, emailVerified: false, emailAuthoritative: false, name, picture: null },
  profile: { name },
})
type Refused = { code: string }
const at = { provider: 'google', issuer: 'https://accounts.google.com', subject: '1' }

function openProfiles(ttlSeconds = 3600) {
  let now = new Date('2026-11-20T12:00:00Z')
  const events = createBus(() => now)
  const hits: boolean[] = []
  events.on('test', ['user_info_cache.read'], ({ data }) => hits.push(data.hit))
  const profiles = createProfileCache({ events, clock: () => now, ttlSeconds })
  let asked = 0
  const answers: Result<ProviderProfile, Refused>[] = []
  return {
    profiles,
    hits,
    asked: () => asked,
    turn: (seconds: number) => {
      now = new Date(now.getTime() + seconds * 1000)
    },
    say: (answer: Result<ProviderProfile, Refused>) => answers.push(answer),
    read: () =>
      profiles.read<Refused>(at, async () => {
        asked += 1
        return answers.shift() ?? ok(said('Ada'))
      }),
  }
}

const theirs = ({ issuer }: { issuer: string }, subject: string) => ({ issuer, subject })

describe('a cached profile', () => {
  test('is fetched once, then cached for its lifetime', async () => {
    const { read, asked, turn, hits, say, profiles } = openProfiles()
    expect(value(await read())).toMatchObject({
      fromCache: false,
      stale: false,
      fetchedAt: new Date('2026-11-20T12:00:00Z'),
    })
    turn(3599)
    expect(value(await read())).toMatchObject({
      fromCache: true,
      stale: false,
      fetchedAt: new Date('2026-11-20T12:00:00Z'),
    })
    expect(asked()).toBe(1)
    turn(1)
    say(ok(said('Countess')))
    expect(value(await read())).toMatchObject({
      profile: { name: 'Countess' },
      fromCache: false,
      fetchedAt: new Date('2026-11-20T13:00:00Z'),
    })
    expect(hits).toEqual([false, true, false])
    profiles.close()
  })

  test('is fetched once for a hundred concurrent callers', async () => {
    const { read, asked, profiles } = openProfiles()
    const all = await Promise.all(Array.from({ length: 100 }, read))
    expect(asked()).toBe(1)
    expect(new Set(all.map((one) => value(one).claims)).size).toBe(1)
    profiles.close()
  })

  test('that is stale is still served while its provider is down, for a day', async () => {
    const { read, turn, say, profiles } = openProfiles()
    await read()
    turn(7200)
    say(err({ code: 'provider_unavailable' }))
    expect(value(await read())).toMatchObject({
      fromCache: true,
      stale: true,
      fetchedAt: new Date('2026-11-20T12:00:00Z'),
    })
    turn(24 * 3600)
    say(err({ code: 'provider_unavailable' }))
    expect(await read()).toMatchObject({ error: { code: 'provider_unavailable' } })
    profiles.close()
  })

  // Stored in node-cache, which uses real time.
  test('does not live longer because its tokens are renewed', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const { read, say, profiles } = openProfiles()
    await read()
    for (let hour = 0; hour < 26; hour++) {
      vi.setSystemTime(Date.now() + 3_600_000)
      profiles.outdate(at)
    }
    say(err({ code: 'provider_unavailable' }))
    expect(await read()).toMatchObject({ error: { code: 'provider_unavailable' } })
    profiles.close()
  })

  test('is not served when the provider refuses the request', async () => {
    const { read, turn, say, profiles } = openProfiles()
    await read()
    turn(7200)
    say(err({ code: 'user_info_fetch_failed' }))
    expect(await read()).toMatchObject({ error: { code: 'user_info_fetch_failed' } })
    profiles.close()
  })

  test('does not cache a failure', async () => {
    const { read, say, profiles } = openProfiles()
    say(err({ code: 'provider_unavailable' }))
    expect((await read()).ok).toBe(false)
    expect((await read()).ok).toBe(true)
    profiles.close()
  })

  test('whose request threw can be requested again', async () => {
    const { read, profiles } = openProfiles()
    await expect(profiles.read(at, () => Promise.reject(new Error('defect')))).rejects.toThrow('defect')
    expect((await read()).ok).toBe(true)
    profiles.close()
  })

  test('that is deleted during its request is not stored', async () => {
    const { profiles, read, asked } = openProfiles()
    let land: (answer: Result<ProviderProfile, Refused>) => void = () => {}
    const flight = profiles.read<Refused>(at, () => new Promise((resolve) => (land = resolve)))
    profiles.erase(at)
    land(ok(said('Unlinked')))
    await flight
    expect(value(await read())).toMatchObject({ profile: { name: 'Ada' }, fromCache: false })
    expect(asked()).toBe(1)
    profiles.close()
  })

  test('of more than 64 KiB is returned without being stored', async () => {
    const { read, asked, say, profiles } = openProfiles()
    const sized = (bytes: number): ProviderProfile => {
      const empty = JSON.stringify({ name: '' }).length
      // Measured in bytes: é is two.
      return said(`${'é'.repeat((bytes - empty) >> 1)}${'e'.repeat((bytes - empty) & 1)}`)
    }
    say(ok(sized(64 * 1024 + 1)))
    expect(value(await read())).toMatchObject({ fromCache: false })
    say(ok(sized(64 * 1024)))
    expect(value(await read())).toMatchObject({ fromCache: false })
    expect(value(await read())).toMatchObject({ fromCache: true })
    expect(asked()).toBe(2)
    profiles.close()
  })

  test('is requested each time when caching is off', async () => {
    const { read, asked, profiles } = openProfiles(0)
    await read()
    await read()
    expect(asked()).toBe(2)
    profiles.close()
  })
})

describe('a profile at a provider', () => {
  let world: TestWorld
  beforeAll(async () => {
    world = await startWorld()
  })
  afterEach(() => world.reset())
  afterAll(() => world.close())

  test('is served from the cache without its token, and survives an outage', async () => {
    const { providers } = world.open({ userInfoTtlSeconds: 60 })
    const provider = named(providers, 'github')
    const { exchanged, claims } = await enter(world.sandbox, providers, provider)
    let tokens = 0
    const token = async () => {
      tokens += 1
      return ok(exchanged.tokens.accessToken)
    }
    const read = () => providers.profile(provider, theirs(provider, claims.subject), token)
    expect(value(await read())).toMatchObject({
      claims,
      profile: { login: 'ada', emails: [{ value: 'ada@example.com', primary: true, verified: true }, {}] },
      fromCache: false,
    })
    expect(value(await read())).toMatchObject({ claims, fromCache: true })
    expect(tokens).toBe(1)
    world.turn(61)
    world.sandbox.fault({ provider: 'github', endpoint: 'userinfo' }, { kind: 'status', status: 503 })
    expect(value(await read())).toMatchObject({ claims, fromCache: true, stale: true })
    providers.eraseProfile(provider, theirs(provider, claims.subject))
    expect(await read()).toMatchObject({ error: { code: 'provider_unavailable' } })
  })

  test('is requested again after its tokens were renewed, and is served until then while the provider is down', async () => {
    const { providers } = world.open()
    const provider = named(providers, 'atlassian')
    const { exchanged, claims } = await enter(world.sandbox, providers, provider)
    let tokens = exchanged.tokens
    const read = async () =>
      value(await providers.profile(provider, theirs(provider, claims.subject), async () => ok(tokens.accessToken)))
    const first = await read()
    expect(await read()).toMatchObject({ fromCache: true })
    const renewed = await providers.refresh(provider, String(tokens.refreshToken), theirs(provider, claims.subject))
    if (renewed.tag === 'refreshed') tokens = renewed.tokens
    world.sandbox.fault({ provider: 'atlassian', endpoint: 'userinfo', times: 3 }, { kind: 'reset' })
    expect(await read()).toEqual({ ...first, fromCache: true, stale: true })
    expect(await read()).toMatchObject({ fromCache: false })
    expect(await read()).toMatchObject({ fromCache: true, stale: false })
  })

  test('is requested again with another token when the provider rejects the first', async () => {
    const { providers } = world.open()
    const provider = named(providers, 'google')
    const { exchanged, claims } = await enter(world.sandbox, providers, provider)
    const refused: (string | undefined)[] = []
    const read = (another: string) =>
      providers.profile(provider, theirs(provider, claims.subject), async (token) => {
        refused.push(token)
        return ok(token === undefined ? 'taken-back' : another)
      })
    expect(await read('dead-as-well')).toMatchObject({ error: { code: 'user_info_fetch_failed' } })
    expect(await read(exchanged.tokens.accessToken)).toMatchObject({ ok: true, value: { claims, fromCache: false } })
    expect(refused).toEqual([undefined, 'taken-back', undefined, 'taken-back'])
  })

  test('is not shown when it belongs to another user', async () => {
    const { providers } = world.open()
    const provider = named(providers, 'google')
    const { exchanged } = await enter(world.sandbox, providers, provider, 'mallory')
    const answer = await providers.profile(provider, theirs(provider, 'ada'), async () =>
      ok(exchanged.tokens.accessToken),
    )
    expect(answer).toMatchObject({ error: { code: 'user_info_fetch_failed', cause: { reason: 'sub_mismatch' } } })
  })

  test('is not requested without a token, whose absence is reported as it is', async () => {
    const { providers } = world.open()
    const provider = named(providers, 'google')
    const answer = await providers.profile(provider, theirs(provider, '1'), async () =>
      err({ code: 'needs_reauthorization' }),
    )
    expect(answer).toEqual(err({ code: 'needs_reauthorization' }))
    expect(world.sandbox.journal).toHaveLength(0)
  })
})
