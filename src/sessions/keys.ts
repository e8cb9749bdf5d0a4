import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto'
import { internalOrigin } from '../events/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import type { Sealer } from '../kernel/crypto.ts'
import type { Ids, Random } from '../kernel/ids.ts'
import type { KeyStore, StoredKey } from './ports.ts'

/** How long a verifier may cache the key set. A new key is published this long before it signs. */
export const jwksMaxAgeSeconds = 300
/** How often each node reads the keys. A rotation takes effect everywhere after this and `jwksMaxAgeSeconds`. */
export const keyReloadSeconds = 60
const leewaySeconds = 120

export type SigningKey = {
  readonly id: string
  readonly sign: KeyObject
  readonly verify: KeyObject
  readonly activatesAt: Date
}
export type PublicJwk = { kty: string; crv: string; x: string; y: string; kid: string; use: 'sig'; alg: 'ES256' }

type KeysParts = {
  keys: KeyStore
  sealer: Sealer
  clock: Clock
  ids: Ids
  random: Random
  accessTtlSeconds: number
  refreshTtlSeconds: number
}
type Purpose = StoredKey['purpose']

/**
 * Our signing keys: ES256 for access tokens, which others verify; HS256 for refresh tokens, which only we verify. The
 * first node creates them, and they are stored sealed. A rotation depends only on the clock: a new key is published
 * immediately, and signs when no verifier can still have a key set without it. The old one stays until its last token
 * has expired.
 */
export async function createKeys({
  keys: store,
  sealer,
  clock,
  ids,
  random,
  accessTtlSeconds,
  refreshTtlSeconds,
}: KeysParts) {
  const place = (id: string): string => `signing_keys/${id}/secret`
  let loaded: Record<Purpose, SigningKey[]> = { access: [], refresh: [] }
  let byId = new Map<string, { purpose: Purpose; key: SigningKey }>()
  let jwks: { keys: PublicJwk[] } = { keys: [] }
  let lastLoad = 0
  let rereading: Promise<void> | undefined

  const open = (stored: StoredKey): SigningKey => {
    const secret = sealer.open(stored.secret, place(stored.id))
    if (stored.purpose === 'refresh') {
      const key = createSecretKey(Buffer.from(secret, 'base64url'))
      return { id: stored.id, sign: key, verify: key, activatesAt: stored.activatesAt }
    }
    const sign = createPrivateKey({ key: JSON.parse(secret) as JsonWebKey, format: 'jwk' })
    return { id: stored.id, sign, verify: createPublicKey(sign), activatesAt: stored.activatesAt }
  }

  const make = (purpose: Purpose, sequence: number, at: Date, activatesAt: Date): StoredKey => {
    const id = ids('key')
    if (purpose === 'refresh') {
      const secret = random(32).toString('base64url')
      return {
        id,
        purpose,
        sequence,
        secret: sealer.seal(secret, place(id)),
        publicJwk: null,
        createdAt: at,
        activatesAt,
      }
    }
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const { kty, crv, x, y } = pair.publicKey.export({ format: 'jwk' })
    return {
      id,
      purpose,
      sequence,
      secret: sealer.seal(JSON.stringify(pair.privateKey.export({ format: 'jwk' })), place(id)),
      publicJwk: JSON.stringify({ kty, crv, x, y, kid: id, use: 'sig', alg: 'ES256' }),
      createdAt: at,
      activatesAt,
    }
  }

  const load = async (): Promise<void> => {
    // Set first, so that a failure is not repeated for each invented key ID.
    lastLoad = clock().getTime()
    const stored = await store.list()
    // Built separately and swapped at once: one row that cannot be opened must not affect the other keys.
    const next: typeof loaded = { access: [], refresh: [] }
    const nextById: typeof byId = new Map()
    for (const row of [...stored].sort((a, b) => a.sequence - b.sequence)) {
      const key = byId.get(row.id)?.key ?? open(row)
      next[row.purpose].push(key)
      nextById.set(row.id, { purpose: row.purpose, key })
    }
    loaded = next
    byId = nextById
    jwks = { keys: stored.flatMap(({ publicJwk }) => (publicJwk === null ? [] : [JSON.parse(publicJwk) as PublicJwk])) }
  }

  const add = async (purpose: Purpose, activatesAt: (at: Date) => Date): Promise<void> => {
    for (;;) {
      const existing = (await store.list()).filter((key) => key.purpose === purpose)
      const at = clock()
      const key = make(purpose, Math.max(0, ...existing.map(({ sequence }) => sequence)) + 1, at, activatesAt(at))
      if (
        await store.add(key, [
          { name: 'signing_key.rotated', accountId: null, origin: internalOrigin, data: { key: key.id } },
        ])
      )
        return
    }
  }

  const ensure = async (purpose: Purpose): Promise<void> => {
    if ((await store.list()).some((key) => key.purpose === purpose)) return
    const at = clock()
    // Sequence 1 exists once. The loser of this race uses the winner's key.
    const key = make(purpose, 1, at, at)
    await store.add(key, [
      { name: 'signing_key.rotated', accountId: null, origin: internalOrigin, data: { key: key.id } },
    ])
  }

  await ensure('access')
  await ensure('refresh')
  await load()

  return {
    /** The key that signs now: the newest one that all verifiers must know. */
    current(purpose: Purpose): SigningKey {
      const now = clock()
      const key = loaded[purpose].findLast(({ activatesAt }) => activatesAt <= now) ?? loaded[purpose][0]
      if (!key) throw new Error(`there is no ${purpose} signing key`)
      return key
    },

    /** All keys of a purpose, the one that signs now first: a verifier of older tokens needs the others. */
    all(purpose: Purpose): readonly SigningKey[] {
      const current = this.current(purpose)
      return [current, ...loaded[purpose].filter((key) => key !== current)]
    },

    find: (id: string) => byId.get(id),

    /**
     * An unknown key ID may be the newest key of another node. Reads the keys again, at most once in ten seconds, so
     * that invented IDs cannot load the store.
     */
    async findFresh(id: string) {
      const known = byId.get(id)
      if (known || (!rereading && clock().getTime() - lastLoad < 10_000)) return known
      rereading ??= load().finally(() => {
        rereading = undefined
      })
      await rereading
      return byId.get(id)
    },

    /** The public part (RFC 7517). It never contains a private member. */
    jwks: () => jwks,

    /** Publishes a new key for both purposes. Each signs when every verifier must have it. */
    async rotate(): Promise<void> {
      const wait = jwksMaxAgeSeconds + keyReloadSeconds + leewaySeconds
      await add('access', (at) => secondsAfter(at, wait))
      await add('refresh', (at) => secondsAfter(at, wait))
      await load()
    },

    /** Reads the keys of other nodes, and deletes keys whose last token has expired. */
    async reload(): Promise<void> {
      await load()
      const now = clock()
      const dead = (['access', 'refresh'] as const).flatMap((purpose) => {
        const ttl = purpose === 'access' ? accessTtlSeconds : refreshTtlSeconds
        return loaded[purpose].filter((_, index, all) => {
          const successor = all[index + 1]
          return successor !== undefined && secondsAfter(successor.activatesAt, ttl + leewaySeconds) < now
        })
      })
      if (dead.length === 0) return
      await store.remove(dead.map(({ id }) => id))
      await load()
    },
  }
}
export type Keys = Awaited<ReturnType<typeof createKeys>>
