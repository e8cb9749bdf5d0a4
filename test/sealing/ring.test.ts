import { hkdfSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { beforeEach, describe, expect, test } from 'vitest'
import { createSealer, type KeyRing } from '../../src/kernel/crypto.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { createReseal } from '../../src/sealing/reseal.ts'
import { KeyRingError, openRing } from '../../src/sealing/ring.ts'
import { createKeys } from '../../src/sessions/keys.ts'
import { connectSqlite } from '../../src/store/connect-sqlite.ts'
import type { StoreConfig } from '../../src/store/open.ts'
import { databases } from '../support/databases.ts'
import { type OpenedStore, openedStore } from '../support/opened-store.ts'
import { newKey } from '../support/sealers.ts'

const clock = (): Date => new Date('2026-03-01T12:00:00.000Z')
const [k1, k2, k3] = [newKey('k1'), newKey('k2'), newKey('k3')]

describe.each(databases)('the key ring of a database on $name', ({ name, place }) => {
  let config: StoreConfig
  beforeEach(async () => {
    config = await place()
  })
  /** Like a process that starts and ends. */
  async function visit<T>(visited: (opened: OpenedStore) => Promise<T>): Promise<T> {
    const opened = await openedStore(config, clock)
    try {
      return await visited(opened)
    } finally {
      await opened.store.close()
    }
  }
  const ringOver = ({ store }: OpenedStore, ring: KeyRing) =>
    openRing({ store: store.sealed, ring, sealer: createSealer(ring, systemRandom), clock, random: systemRandom })
  const started = (...ring: KeyRing) => visit((opened) => ringOver(opened, ring))
  const ledger = () => visit(({ store }) => store.sealed.ledger())
  const names = async () => (await ledger()).keys.map(({ id }) => id)
  const reseal = (...ring: KeyRing) =>
    visit(({ store }) =>
      createReseal({
        store: store.sealed,
        sealer: createSealer(ring, systemRandom),
        pause: async () => {},
      })(() => {}),
    )
  /** The data of a version without a ledger: encrypted signing keys. */
  const usedBefore = (...ring: KeyRing) =>
    visit(({ store, ids }) =>
      createKeys({
        keys: store.keys,
        sealer: createSealer(ring, systemRandom),
        clock,
        ids,
        random: systemRandom,
        accessTtlSeconds: 900,
        refreshTtlSeconds: 86_400,
      }),
    )

  test('is registered at the first start, and recognized at the next', async () => {
    const first = await started(k1)
    const before = await ledger()
    expect(before.keys).toMatchObject([{ id: 'k1', createdAt: clock() }])
    const second = await started(k1)
    for (const purpose of ['csrf', 'ticket codes', 'recovery codes', 'pairwise subjects'] as const) {
      expect(second.keysFor(purpose)).toEqual(first.keysFor(purpose))
      expect(first.keysFor(purpose)).toHaveLength(1)
    }
    expect(first.keysFor('csrf')).not.toEqual(first.keysFor('ticket codes'))
    expect(await ledger()).toEqual(before)
  })

  test('is registered once by any number of nodes that start together, and they agree', async () => {
    for (let round = 0; round < 2; round++) {
      config = await place()
      const opened = await Promise.all([1, 2, 3, 4].map(() => openedStore(config, clock)))
      const rings = await Promise.all([...opened, ...opened].map((one) => ringOver(one, [k1, k2])))
      for (const ring of rings) expect(ring.keysFor('csrf')).toEqual(rings[0]?.keysFor('csrf'))
      for (const { store } of opened) await store.close()
      expect(await names()).toEqual(['k1', 'k2'])
    }
  })

  test('refuses another key under a known name, first or last, and overwrites nothing', async () => {
    await started(k1, k2)
    const before = await ledger()
    const bytes = () => (config.tag === 'sqlite' ? readFileSync(config.file) : Buffer.of())
    const untouched = bytes()
    const wrong: KeyRing[] = [[newKey('k1')], [newKey('k1'), k2], [k1, newKey('k2')], [newKey('k2'), k1]]
    for (const ring of wrong)
      await expect(started(...ring)).rejects.toThrow(/differs from the key that this database knows by that name/)
    await expect(started({ ...k2, id: 'k1' }, { ...k1, id: 'k2' })).rejects.toThrow(KeyRingError)
    expect(await ledger()).toEqual(before)
    // `toEqual` takes seconds to compare so many bytes.
    expect(bytes().equals(untouched)).toBe(true)
    await started(k1, k2)
  })

  test('releases a key when nothing is encrypted with it, and not before', async () => {
    await started(k1)
    const kept = (await started(k2, k1)).keysFor('recovery codes')
    await expect(started(k2)).rejects.toThrow(
      /the key k1 is missing, and values are still encrypted with it \(sealing_keys: 1\).*npm start -- reseal/,
    )
    expect(await names()).toEqual(['k1', 'k2'])
    expect(await reseal(k2, k1)).toEqual({ key: 'k2', resealed: 1, unopenable: [], left: [] })
    expect((await started(k2)).keysFor('recovery codes')).toEqual(kept)
    expect(await names()).toEqual(['k2'])
    // A removed name can be used again.
    await started(k2, newKey('k1'))
  })

  test('reports another node that still encrypts with another key, and leaves its values unchanged', async () => {
    await started(k1, k2)
    await visit(async ({ store, ids }) => {
      const at = clock()
      const old = createSealer([k1], systemRandom)
      const post = async (): Promise<void> => {
        const id = ids('eml')
        await store.mails.post({
          id,
          to: 'a@example.com',
          locale: 'en',
          template: 'sign_in',
          params: {},
          accountId: null,
          secret: old.seal('{}', `mails/${id}/secret`),
          attempts: 0,
          nextAttemptAt: at,
          lastError: null,
          createdAt: at,
        })
      }
      for (let n = 0; n < 60; n++) await post()
      const { sealed } = store
      const sealer = createSealer([k2, k1], systemRandom)
      const seen: string[] = []
      const busy = await createReseal({ store: sealed, sealer, pause: post })((p) => seen.push(`${p.table} ${p.done}`))
      expect(busy.left).toEqual([{ table: 'mails', values: expect.any(Number) }])
      expect(busy.unopenable).toEqual([])
      expect(seen.slice(0, 2)).toEqual(['mails 0', 'sealing_keys 0'])
      const calm = await createReseal({ store: sealed, sealer, pause: async () => {} })(() => {})
      expect(calm).toMatchObject({ unopenable: [], left: [] })
      expect(await sealed.otherThan('k2')).toEqual([])
    })
  })

  test('is settled again by a node whose examination another node has outrun', async () => {
    await visit(async (opened) => {
      const ring: KeyRing = [k2, k1]
      const { sealed } = opened.store
      let examined = 0
      const outrun: typeof sealed = {
        ...sealed,
        async evidence(names) {
          const found = await sealed.evidence(names)
          examined += 1
          if (examined === 1) await started(k1)
          return found
        },
      }
      const mine = await openRing({
        store: outrun,
        ring,
        sealer: createSealer(ring, systemRandom),
        clock,
        random: systemRandom,
      })
      expect(examined).toBe(2)
      expect((await started(k1, k2)).keysFor('csrf')).toEqual(mine.keysFor('csrf'))
    })
    expect(await names()).toEqual(['k1', 'k2'])
  })

  test('accepts a key again that was registered and never encrypted anything', async () => {
    await started(k1)
    await started(k1, k2)
    await started(k1)
    expect(await names()).toEqual(['k1'])
    await started(k1, k2)
    expect(await names()).toEqual(['k1', 'k2'])
  })

  test('reports where the values are that no key decrypts', async () => {
    await usedBefore(k1)
    await started(k1)
    await expect(started(k2)).rejects.toThrow(/signing_keys: 2, sealing_keys: 1/)
  })

  describe('of a database without a ledger', () => {
    test('is registered when it decrypts the existing values, and derived keys stay the same', async () => {
      await usedBefore(k1)
      const ring = await started(k2, k1)
      for (const purpose of ['csrf', 'ticket codes', 'recovery codes'] as const)
        expect(ring.keysFor(purpose)).toEqual(
          [k2, k1].map(({ key }) => Buffer.from(hkdfSync('sha256', key, '', `vinculum ${purpose} v1`, 32))),
        )
      expect(await reseal(k3, k2, k1)).toMatchObject({ resealed: 3, left: [], unopenable: [] })
      for (const purpose of ['recovery codes', 'pairwise subjects'] as const)
        expect((await started(k3)).keysFor(purpose)).toEqual(ring.keysFor(purpose))
    })

    test.each([
      ['another key under the name', [newKey('k1')], /another key than the one listed as k1/],
      ['a key of another name', [newKey('k2')], /encrypted with the key k1, which is not listed/],
      ['another one after a new first key', [newKey('k2'), newKey('k1')], /another key than the one listed as k1/],
    ] as const)('is refused with %s, and nothing is registered', async (_, ring, sentence) => {
      await usedBefore(k1)
      await expect(started(...(ring as unknown as KeyRing))).rejects.toThrow(sentence)
      expect(await ledger()).toEqual({ keys: [], root: null })
      await started(k1)
    })
  })

  if (name === 'SQLite') {
    test('is examined while another process holds the lock that writers need', async () => {
      await usedBefore(k1)
      await started(k1)
      await visit(async ({ store }) => {
        const other = connectSqlite(config.tag === 'sqlite' ? config.file : '')
        try {
          other.exec('BEGIN IMMEDIATE')
          const { left } = await store.sealed.evidence(['k2'])
          expect(left).toEqual([
            {
              key: 'k1',
              tally: [
                { table: 'signing_keys', values: 2 },
                { table: 'sealing_keys', values: 1 },
              ],
            },
          ])
        } finally {
          other.close()
        }
      })
    })

    test('needs one read once it is known', async () => {
      await started(k1)
      await visit(async (opened) => {
        const { sealed } = opened.store
        const asked: string[] = []
        const noting = new Proxy(sealed, {
          get: (of, verb: keyof typeof sealed) => {
            asked.push(verb)
            return of[verb]
          },
        })
        const ring: KeyRing = [k1]
        await openRing({
          store: noting,
          ring,
          sealer: createSealer(ring, systemRandom),
          clock,
          random: systemRandom,
        })
        expect(asked).toEqual(['ledger'])
      })
    })
  }
})
