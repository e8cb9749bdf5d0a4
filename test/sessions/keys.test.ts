import { createPublicKey } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import jwt from 'jsonwebtoken'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { BusyError } from '../../src/kernel/busy.ts'
import { createSealer, type Sealer, UnopenableError } from '../../src/kernel/crypto.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { createKeys, jwksMaxAgeSeconds, type Keys, keyReloadSeconds, type PublicJwk } from '../../src/sessions/keys.ts'
import type { StoredKey } from '../../src/sessions/ports.ts'
import { createTokens } from '../../src/sessions/tokens.ts'
import { databases } from '../support/databases.ts'
import { type OpenedStore, openedStore } from '../support/opened-store.ts'
import { newKey, newSealer } from '../support/sealers.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

const accessTtlSeconds = 1800
const refreshTtlSeconds = 7200

let { clock, turn } = createStoppedClock()
beforeEach(() => {
  ;({ clock, turn } = createStoppedClock())
})
const keysOver = ({ store, ids }: OpenedStore, sealer: Sealer): Promise<Keys> =>
  createKeys({
    keys: store.keys,
    sealer,
    clock: () => clock(),
    ids,
    random: systemRandom,
    accessTtlSeconds,
    refreshTtlSeconds,
  })
const emptyStore = () => openedStore({ tag: 'sqlite', file: ':memory:' }, () => clock())

describe.each(databases)('on $name', ({ place }) => {
  let opened: readonly OpenedStore[]
  const sealer = newSealer()
  beforeAll(async () => {
    const config = await place()
    opened = await Promise.all(Array.from({ length: 2 }, () => openedStore(config, () => clock())))
  })
  afterAll(async () => {
    for (const { store } of opened) await store.close()
  })

  test('nodes that start concurrently create one key for each purpose, and all sign with it', async () => {
    const nodes = await Promise.all([...opened, ...opened].map((one) => keysOver(one, sealer)))
    expect(new Set(nodes.map((keys) => keys.current('access').id)).size).toBe(1)
    expect(new Set(nodes.map((keys) => keys.current('refresh').id)).size).toBe(1)
    expect(opened.flatMap(({ heard }) => heard('signing_key.rotated'))).toHaveLength(2)
    expect(await opened[0]?.store.keys.list()).toHaveLength(2)
  })

  test('nodes that need RS256 concurrently create one key, which signs at once, and publish it', async () => {
    const nodes = await Promise.all([...opened, ...opened].map((one) => keysOver(one, sealer)))
    expect(() => nodes[0]?.current('rs256')).toThrow('there is no rs256 signing key')
    const before = opened.flatMap(({ heard }) => heard('signing_key.rotated')).length
    await Promise.all(nodes.flatMap((keys) => [keys.prepareRs256(), keys.prepareRs256()]))
    const ids = new Set(nodes.map((keys) => keys.current('rs256').id))
    expect(ids.size).toBe(1)
    expect(opened.flatMap(({ heard }) => heard('signing_key.rotated')).length - before).toBe(1)
    const rows = (await opened[0]?.store.keys.list()) ?? []
    expect(rows.map(({ purpose }) => purpose)).toEqual(['access', 'refresh', 'rs256'])
    for (const keys of nodes) expect(await idsOf(keys)).toContain([...ids][0])
    expect(rows.find(({ purpose }) => purpose === 'rs256')?.secret).toMatch(/^v1\.k1\./)
    // Nobody creates another one.
    await nodes[0]?.prepareRs256()
    expect(await opened[0]?.store.keys.list()).toHaveLength(3)
  })
})

const idsOf = async (keys: Keys): Promise<readonly string[]> => (await keys.jwks()).keys.map(({ kid }) => kid)

/** A third-party verifier: it caches our key set for as long as it may, and knows nothing else. */
function remoteVerifier(node: () => Keys) {
  let kept: { jwks: readonly PublicJwk[]; until: number } = { jwks: [], until: 0 }
  return async (token: string): Promise<boolean> => {
    if (clock().getTime() >= kept.until)
      kept = { jwks: (await node().jwks()).keys, until: clock().getTime() + jwksMaxAgeSeconds * 1000 }
    const jwk = kept.jwks.find(({ kid }) => kid === jwt.decode(token, { complete: true })?.header.kid)
    if (!jwk) return false
    jwt.verify(token, createPublicKey({ key: jwk, format: 'jwk' }), {
      algorithms: [jwk.alg],
      clockTimestamp: clock().getTime() / 1000,
    })
    return true
  }
}

const published = [
  ['access', 'ES256'],
  ['rs256', 'RS256'],
] as const
test.each(published)(
  'a rotation of %s fails no verification on another node or at a verifier that caches the key set for its max-age',
  async (purpose, algorithm) => {
    const opened = await emptyStore()
    const sealer = newSealer()
    const nodes = [await keysOver(opened, sealer), await keysOver(opened, sealer)] as const
    const [first, second] = nodes
    for (const node of nodes) await node.prepareRs256()
    const verifiers = [remoteVerifier(() => first), remoteVerifier(() => second)]
    const before = first.current(purpose).id
    const issued: { token: string; kid: string; exp: number }[] = []
    const signers = new Set<string>()
    for (let minute = 0; minute < 90; minute++) {
      if (minute === 5) await first.rotate()
      // The nodes reload the keys every minute, but not in the same second.
      if (minute % (keyReloadSeconds / 60) === 0) await first.reload()
      for (const node of nodes) {
        const key = node.current(purpose)
        signers.add(key.id)
        const now = Math.floor(clock().getTime() / 1000)
        const token = jwt.sign({ sub: 'usr_1', iat: now, exp: now + accessTtlSeconds }, key.sign, {
          algorithm,
          keyid: key.id,
        })
        issued.push({ token, kid: key.id, exp: now + accessTtlSeconds })
      }
      turn(30)
      await second.reload()
      // The oldest and the newest token of each key: what verifies both verifies those in between.
      const alive = issued.filter(({ exp }) => exp > clock().getTime() / 1000)
      const ofEach = [...signers].map((id) => alive.filter(({ kid }) => kid === id))
      for (const { token, kid } of ofEach.flatMap((ofOne) => [...ofOne.slice(0, 1), ...ofOne.slice(-1)])) {
        expect(await Promise.all(verifiers.map((verify) => verify(token))), `in minute ${minute}`).toEqual([true, true])
        expect(nodes.map((node) => node.find(kid) !== undefined)).toEqual([true, true])
      }
      turn(30)
    }
    expect(signers.size).toBe(2)
    expect(first.current(purpose).id).not.toBe(before)
    expect(second.current(purpose).id).toBe(first.current(purpose).id)
    await opened.store.close()
  },
)

test('a new key is published before it signs, for longer than any verifier may miss it', async () => {
  const opened = await emptyStore()
  const keys = await keysOver(opened, newSealer())
  await keys.prepareRs256()
  const current = () => published.map(([purpose]) => keys.current(purpose).id)
  const old = current()
  await keys.rotate()
  expect(await idsOf(keys)).toHaveLength(4)
  turn(jwksMaxAgeSeconds + keyReloadSeconds)
  expect(current()).toEqual(old)
  turn(120)
  for (const id of current()) expect(old).not.toContain(id)
  await opened.store.close()
})

test('an old key is deleted soon after its last token expired, and not before', async () => {
  const opened = await emptyStore()
  const keys = await keysOver(opened, newSealer())
  await keys.prepareRs256()
  const purposes = ['access', 'refresh', 'rs256'] as const
  const old = { access: '', refresh: '', rs256: '' }
  for (const purpose of purposes) old[purpose] = keys.current(purpose).id
  await keys.rotate()
  const takenOver = async (purpose: (typeof purposes)[number]): Promise<void> => {
    while (keys.current(purpose).id === old[purpose]) turn(60)
  }
  await takenOver('access')
  const since = clock()
  const gone: Record<string, number> = {}
  while (Object.keys(gone).length < purposes.length) {
    turn(60)
    await keys.reload()
    const left = new Set((await opened.store.keys.list()).map(({ id }) => id))
    for (const [purpose, id] of Object.entries(old))
      if (!left.has(id)) gone[purpose] ??= (clock().getTime() - since.getTime()) / 1000
  }
  expect(gone.access).toBeGreaterThan(accessTtlSeconds)
  expect(gone.access).toBeLessThan(accessTtlSeconds + 300)
  expect(gone.refresh).toBeGreaterThan(refreshTtlSeconds)
  expect(gone.refresh).toBeLessThan(refreshTtlSeconds + 300)
  expect(gone.rs256).toBe(gone.access)
  for (const id of Object.values(old)) expect(keys.find(id)).toBeUndefined()
  expect(await idsOf(keys)).toEqual([keys.current('access').id, keys.current('rs256').id])
  await opened.store.close()
})

test('the key set contains only the public half of keys that others verify with', async () => {
  const opened = await emptyStore()
  const keys = await keysOver(opened, newSealer())
  await keys.rotate()
  const { keys: first } = await keys.jwks()
  expect(first).toHaveLength(2)
  for (const jwk of first) {
    expect(Object.keys(jwk).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
    expect(jwk).toMatchObject({ kty: 'EC', crv: 'P-256', use: 'sig', alg: 'ES256' })
  }
  await keys.prepareRs256()
  const rsa = (await keys.jwks()).keys.filter(({ kty }) => kty === 'RSA')
  expect(rsa).toEqual([
    {
      kty: 'RSA',
      n: expect.stringMatching(/^[\w-]{342}$/),
      e: 'AQAB',
      use: 'sig',
      alg: 'RS256',
      kid: keys.current('rs256').id,
    },
  ])
  await opened.store.close()
})

test('keys are stored encrypted, each for its own row', async () => {
  const opened = await emptyStore()
  const sealer = newSealer()
  await (await keysOver(opened, sealer)).prepareRs256()
  const rows = await opened.store.keys.list()
  expect(rows).toHaveLength(3)
  for (const { id, secret, publicJwk } of rows) {
    expect(secret).toMatch(/^v1\.k1\./)
    expect(publicJwk ?? '').not.toContain('"d"')
    for (const other of rows) {
      const opening = () => sealer.open(secret, `signing_keys/${other.id}/secret`)
      if (other.id === id) expect(opening()).not.toBe('')
      else expect(opening).toThrow(UnopenableError)
    }
  }
  await opened.store.close()
})

test('a key that another node encrypted with an unknown key does not affect our own keys', async () => {
  const opened = await emptyStore()
  const [ours, theirs] = [newKey('k1'), newKey('k2')]
  const here = await keysOver(opened, createSealer([ours], systemRandom))
  const there = await keysOver(opened, createSealer([theirs, ours], systemRandom))
  await there.rotate()
  turn(11)
  await expect(here.reload()).rejects.toThrow(UnopenableError)
  const { id } = here.current('access')
  expect(here.find(id)?.key.id).toBe(id)
  expect(await idsOf(here)).toContain(id)
  await opened.store.close()
})

test('a key for a purpose of a later version is neither used, published nor deleted', async () => {
  const opened = await emptyStore()
  const sealer = newSealer()
  const running = await keysOver(opened, sealer)
  const row: StoredKey = {
    id: 'key_of_later',
    purpose: 'later' as string as StoredKey['purpose'],
    sequence: 1,
    secret: 'in a form that this version cannot open',
    publicJwk: JSON.stringify({ kty: 'OKP', kid: 'key_of_later' }),
    createdAt: clock(),
    activatesAt: clock(),
  }
  await opened.store.keys.add(row, [])
  await opened.store.keys.add({ ...row, id: 'key_of_later_2', sequence: 2 }, [])
  await running.reload()
  const started = await keysOver(opened, sealer)
  await started.rotate()
  turn(refreshTtlSeconds + 3600)
  for (const keys of [running, started]) {
    await keys.reload()
    expect(await idsOf(keys)).toEqual([keys.current('access').id])
    expect(keys.find(row.id)).toBeUndefined()
  }
  const left = await opened.store.keys.list()
  expect(left.map(({ id }) => id)).toEqual(expect.arrayContaining([row.id, 'key_of_later_2']))
  await opened.store.close()
})

test('the first key for RS256 of another node is published here within a second, and a reload brings it as well', async () => {
  const opened = await emptyStore()
  const sealer = newSealer()
  const [here, there, third] = [
    await keysOver(opened, sealer),
    await keysOver(opened, sealer),
    await keysOver(opened, sealer),
  ]
  await there.prepareRs256()
  const { id } = there.current('rs256')
  turn(1)
  expect(await Promise.all([idsOf(here), idsOf(here)])).toEqual([expect.arrayContaining([id]), expect.any(Array)])
  expect((await idsOf(here)).at(-1)).toBe(id)
  await third.reload()
  expect(third.current('rs256').id).toBe(id)
  await opened.store.close()
})

test('an id_token that another node signed with its first key for RS256 is a hint here within a second', async () => {
  const opened = await emptyStore()
  const sealer = newSealer()
  const nodes = [await keysOver(opened, sealer), await keysOver(opened, sealer)] as const
  const [here, there] = nodes.map((keys) =>
    createTokens({
      keys,
      clock: () => clock(),
      issuer: 'https://id.example.com',
      audience: 'vinculum',
      accessTtlSeconds,
    }),
  )
  // It also makes the key, if nobody has.
  const content = { applicationId: 'app_1', algorithm: 'RS256', claims: { sub: 'usr_1' } } as const
  const token = (await there?.idToken(content)) ?? ''
  turn(1)
  expect(await here?.readIdToken(token)).toEqual({ applicationId: 'app_1', subject: 'usr_1', sid: null })
  await opened.store.close()
})

test('the key set is read from the store once a second at most, and is there while the store is not', async () => {
  const opened = await emptyStore()
  let reads = 0
  let isDown = false
  const keys = await createKeys({
    keys: {
      ...opened.store.keys,
      async list() {
        reads += 1
        if (isDown) throw new Error('down')
        return opened.store.keys.list()
      },
    },
    sealer: newSealer(),
    clock: () => clock(),
    ids: opened.ids,
    random: systemRandom,
    accessTtlSeconds,
    refreshTtlSeconds,
  })
  const ids = await idsOf(keys)
  reads = 0
  for (let n = 0; n < 20; n++) await keys.jwks()
  expect(reads).toBe(0)
  turn(1)
  for (let n = 0; n < 20; n++) await keys.jwks()
  expect(reads).toBe(1)
  isDown = true
  for (let n = 0; n < 5; n++) {
    turn(1)
    expect(await idsOf(keys)).toEqual(ids)
  }
  // A store that does not answer makes nobody wait twice.
  expect(reads).toBe(2)
  isDown = false
  await keys.reload()
  await keys.prepareRs256()
  reads = 0
  turn(60)
  await keys.jwks()
  expect(reads).toBe(0)
  await opened.store.close()
})

test.each(['a verification', 'the job'])(
  'an unknown key ID is not called invalid while the keys could not be read by %s',
  async (reader) => {
    const opened = await emptyStore()
    const sealer = newSealer()
    let isDown = false
    const list = async () => {
      if (isDown) throw new BusyError('the store', 1)
      return opened.store.keys.list()
    }
    const store = { ...opened.store, keys: { ...opened.store.keys, list } }
    const [here, there] = [await keysOver({ ...opened, store }, sealer), await keysOver(opened, sealer)]
    await there.rotate()
    const newest = (await idsOf(there)).at(-1) ?? ''
    turn(11)
    isDown = true
    const reading = reader === 'the job' ? here.reload() : here.findFresh(newest)
    await expect(reading).rejects.toThrow(BusyError)
    turn(4)
    await expect(here.findFresh(newest)).rejects.toMatchObject({ name: 'BusyError', retryAfter: 6 })
    const [known] = await idsOf(here)
    expect((await here.findFresh(known ?? ''))?.key.id).toBe(known)
    isDown = false
    turn(6)
    expect((await here.findFresh(newest))?.key.id).toBe(newest)
    expect(await here.findFresh('key_invented')).toBeUndefined()
    await opened.store.close()
  },
)

test('the event loop continues while a key for RS256 is made', async () => {
  const opened = await emptyStore()
  const keys = await keysOver(opened, newSealer())
  let isMade = false
  const made = keys.prepareRs256().then(() => {
    isMade = true
  })
  let turns = 0
  for (; !isMade; turns++) await nextTurn()
  await made
  expect(turns).toBeGreaterThan(20)
  await opened.store.close()
})

test('a token signed with another node’s newest key is verified before the next reload', async () => {
  const opened = await emptyStore()
  const sealer = newSealer()
  const [here, there] = [await keysOver(opened, sealer), await keysOver(opened, sealer)]
  await there.rotate()
  const newest = (await idsOf(there)).at(-1) ?? ''
  expect(here.find(newest)).toBeUndefined()
  turn(11)
  expect(await Promise.all([1, 2, 3].map(async () => (await here.findFresh(newest))?.key.id))).toEqual([
    newest,
    newest,
    newest,
  ])
  await opened.store.close()
})
