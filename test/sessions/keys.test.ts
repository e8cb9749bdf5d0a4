import { createPublicKey } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createSealer, type Sealer, UnopenableError } from '../../src/kernel/crypto.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { createKeys, jwksMaxAgeSeconds, type Keys, keyReloadSeconds, type PublicJwk } from '../../src/sessions/keys.ts'
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
  beforeAll(async () => {
    const config = await place()
    opened = await Promise.all(Array.from({ length: 4 }, () => openedStore(config, () => clock())))
  })
  afterAll(async () => {
    for (const { store } of opened) await store.close()
  })

  test('nodes that start concurrently create one key for each purpose, and all sign with it', async () => {
    const sealer = newSealer()
    const nodes = await Promise.all([...opened, ...opened].map((one) => keysOver(one, sealer)))
    expect(new Set(nodes.map((keys) => keys.current('access').id)).size).toBe(1)
    expect(new Set(nodes.map((keys) => keys.current('refresh').id)).size).toBe(1)
    expect(opened.flatMap(({ heard }) => heard('signing_key.rotated'))).toHaveLength(2)
    expect(await opened[0]?.store.keys.list()).toHaveLength(2)
  })
})

/** A third-party verifier: it caches our key set for as long as it may, and knows nothing else. */
function remoteVerifier(node: () => Keys) {
  let kept: { jwks: readonly PublicJwk[]; until: number } = { jwks: [], until: 0 }
  return (token: string): boolean => {
    if (clock().getTime() >= kept.until)
      kept = { jwks: node().jwks().keys, until: clock().getTime() + jwksMaxAgeSeconds * 1000 }
    const jwk = kept.jwks.find(({ kid }) => kid === jwt.decode(token, { complete: true })?.header.kid)
    if (!jwk) return false
    jwt.verify(token, createPublicKey({ key: jwk, format: 'jwk' }), {
      algorithms: ['ES256'],
      clockTimestamp: clock().getTime() / 1000,
    })
    return true
  }
}

test('a rotation fails no verification on another node or at a verifier that caches the key set for its max-age', async () => {
  const opened = await emptyStore()
  const sealer = newSealer()
  const nodes = [await keysOver(opened, sealer), await keysOver(opened, sealer)] as const
  const [first, second] = nodes
  const verifiers = [remoteVerifier(() => first), remoteVerifier(() => second)]
  const before = first.current('access').id
  const alive: { token: string; exp: number }[] = []
  const signers = new Set<string>()
  for (let minute = 0; minute < 90; minute++) {
    if (minute === 5) await first.rotate()
    // The nodes reload the keys every minute, but not in the same second.
    if (minute % (keyReloadSeconds / 60) === 0) await first.reload()
    for (const node of nodes) {
      const key = node.current('access')
      signers.add(key.id)
      const now = Math.floor(clock().getTime() / 1000)
      const token = jwt.sign({ sub: 'usr_1', iat: now, exp: now + accessTtlSeconds }, key.sign, {
        algorithm: 'ES256',
        keyid: key.id,
      })
      alive.push({ token, exp: now + accessTtlSeconds })
    }
    turn(30)
    await second.reload()
    for (const { token, exp } of alive) {
      if (exp <= clock().getTime() / 1000) continue
      expect(
        verifiers.map((verify) => verify(token)),
        `in minute ${minute}`,
      ).toEqual([true, true])
      expect(
        nodes.map((node) => node.find(jwt.decode(token, { complete: true })?.header.kid ?? '') !== undefined),
      ).toEqual([true, true])
    }
    turn(30)
  }
  expect(signers.size).toBe(2)
  expect(first.current('access').id).not.toBe(before)
  expect(second.current('access').id).toBe(first.current('access').id)
  await opened.store.close()
})

test('a new key is published before it signs, for longer than any verifier may miss it', async () => {
  const opened = await emptyStore()
  const keys = await keysOver(opened, newSealer())
  const old = keys.current('access').id
  await keys.rotate()
  expect(keys.jwks().keys).toHaveLength(2)
  turn(jwksMaxAgeSeconds + keyReloadSeconds)
  expect(keys.current('access').id).toBe(old)
  turn(120)
  expect(keys.current('access').id).not.toBe(old)
  await opened.store.close()
})

test('an old key is deleted soon after its last token expired, and not before', async () => {
  const opened = await emptyStore()
  const keys = await keysOver(opened, newSealer())
  const old = { access: keys.current('access').id, refresh: keys.current('refresh').id }
  await keys.rotate()
  const takenOver = async (purpose: 'access' | 'refresh'): Promise<void> => {
    while (keys.current(purpose).id === old[purpose]) turn(60)
  }
  await takenOver('access')
  const since = clock()
  const gone: Record<string, number> = {}
  while (Object.keys(gone).length < 2) {
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
  expect(keys.find(old.access)).toBeUndefined()
  expect(keys.jwks().keys.map(({ kid }) => kid)).toEqual([keys.current('access').id])
  await opened.store.close()
})

test('the key set contains only the public half of access keys', async () => {
  const opened = await emptyStore()
  const keys = await keysOver(opened, newSealer())
  await keys.rotate()
  expect(keys.jwks().keys).toHaveLength(2)
  for (const jwk of keys.jwks().keys) {
    expect(Object.keys(jwk).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
    expect(jwk).toMatchObject({ kty: 'EC', crv: 'P-256', use: 'sig', alg: 'ES256' })
  }
  await opened.store.close()
})

test('keys are stored encrypted, each for its own row', async () => {
  const opened = await emptyStore()
  const sealer = newSealer()
  await keysOver(opened, sealer)
  const rows = await opened.store.keys.list()
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
  expect(here.jwks().keys.map(({ kid }) => kid)).toContain(id)
  await opened.store.close()
})

test('a token signed with another node’s newest key is verified before the next reload', async () => {
  const opened = await emptyStore()
  const sealer = newSealer()
  const [here, there] = [await keysOver(opened, sealer), await keysOver(opened, sealer)]
  await there.rotate()
  const newest = there.jwks().keys.at(-1)?.kid ?? ''
  expect(here.find(newest)).toBeUndefined()
  turn(11)
  expect(await Promise.all([1, 2, 3].map(async () => (await here.findFresh(newest))?.key.id))).toEqual([
    newest,
    newest,
    newest,
  ])
  await opened.store.close()
})
