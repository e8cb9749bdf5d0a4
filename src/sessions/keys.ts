import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPair,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto'
import { promisify } from 'node:util'
import { internalOrigin } from '../events/catalogue.ts'
import { BusyError } from '../kernel/busy.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import type { Sealer } from '../kernel/crypto.ts'
import type { Ids, Random } from '../kernel/ids.ts'
import { createShared, type SharedWork, share } from '../kernel/shared.ts'
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
type JwkHead = { readonly kid: string; readonly use: 'sig' }
export type PublicJwk =
  | (JwkHead & {
      readonly kty: 'EC'
      readonly alg: 'ES256'
      readonly crv: string
      readonly x: string
      readonly y: string
    })
  | (JwkHead & { readonly kty: 'RSA'; readonly alg: 'RS256'; readonly n: string; readonly e: string })

/** Off the event loop: a key of RSA takes up to a second. */
const makePair = promisify(generateKeyPair)
/** The least length that RFC 7518 §3.3 allows. A longer one makes each signature slower. */
const rsaBits = 2048
/** How often a key set without a key for RS256 may be read again for another request. In seconds. */
const lookAgainSeconds = 1
/** How often the keys may be read again for an unknown key ID. In seconds. */
const unknownSeconds = 10

type KeysParts = {
  keys: KeyStore
  sealer: Sealer
  clock: Clock
  ids: Ids
  random: Random
  /** The longest lifetimes that a token can have, whichever application it belongs to. */
  accessTtlSeconds: number
  refreshTtlSeconds: number
}
type Purpose = StoredKey['purpose']
const purposes = ['access', 'refresh', 'rs256'] as const satisfies readonly Purpose[]

/**
 * Our signing keys: ES256 for access tokens, which others verify; HS256 for refresh tokens, which only we verify; RS256
 * for id_tokens of applications that verify nothing else. The first node creates them, the one of RS256 when the first
 * such application is registered, and they are stored sealed. A rotation depends only on the clock: a new key is
 * published immediately, and signs when no verifier can still have a key set without it. The old one stays until its last
 * token has expired.
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
  let loaded: Record<Purpose, SigningKey[]> = { access: [], refresh: [], rs256: [] }
  let byId = new Map<string, { purpose: Purpose; key: SigningKey }>()
  let jwks: { keys: PublicJwk[] } = { keys: [] }
  let lastLoad = 0
  /** Whether the keys could not be read the last time. */
  let hasFailed = false
  let rereading: SharedWork<void> | undefined

  const open = (stored: StoredKey): SigningKey => {
    const secret = sealer.open(stored.secret, place(stored.id))
    if (stored.purpose === 'refresh') {
      const key = createSecretKey(Buffer.from(secret, 'base64url'))
      return { id: stored.id, sign: key, verify: key, activatesAt: stored.activatesAt }
    }
    const sign = createPrivateKey({ key: JSON.parse(secret) as JsonWebKey, format: 'jwk' })
    return { id: stored.id, sign, verify: createPublicKey(sign), activatesAt: stored.activatesAt }
  }

  /** A new secret, and what is published of it. */
  const makeSecret = async (purpose: Purpose, id: string): Promise<Pick<StoredKey, 'secret' | 'publicJwk'>> => {
    const seal = (secret: string): string => sealer.seal(secret, place(id))
    if (purpose === 'refresh') return { secret: seal(random(32).toString('base64url')), publicJwk: null }
    const { publicKey, privateKey } =
      purpose === 'access'
        ? await makePair('ec', { namedCurve: 'P-256' })
        : await makePair('rsa', { modulusLength: rsaBits })
    const { kty, crv, x, y, n, e } = publicKey.export({ format: 'jwk' })
    const shared = { kid: id, use: 'sig' }
    const published =
      purpose === 'access' ? { kty, crv, x, y, ...shared, alg: 'ES256' } : { kty, n, e, ...shared, alg: 'RS256' }
    return { secret: seal(JSON.stringify(privateKey.export({ format: 'jwk' }))), publicJwk: JSON.stringify(published) }
  }
  const make = async (purpose: Purpose, sequence: number, activatesAt: (at: Date) => Date): Promise<StoredKey> => {
    const id = ids('key')
    const secrets = await makeSecret(purpose, id)
    const at = clock()
    return { id, purpose, sequence, ...secrets, createdAt: at, activatesAt: activatesAt(at) }
  }

  const load = async (): Promise<void> => {
    // Set first, so that a failure is not repeated for each invented key ID.
    lastLoad = clock().getTime()
    try {
      await read()
      hasFailed = false
    } catch (error) {
      hasFailed = true
      throw error
    }
  }
  const read = async (): Promise<void> => {
    // A later version may add a purpose. This one neither signs with its keys nor publishes nor deletes them.
    const stored = (await store.list()).filter(({ purpose }) => purposes.includes(purpose))
    // Built separately and swapped at once: one row that cannot be opened must not affect the other keys.
    const next: typeof loaded = { access: [], refresh: [], rs256: [] }
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
      const key = await make(purpose, Math.max(0, ...existing.map(({ sequence }) => sequence)) + 1, activatesAt)
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
    // Sequence 1 exists once. The loser of this race uses the winner's key.
    const key = await make(purpose, 1, (at) => at)
    await store.add(key, [
      { name: 'signing_key.rotated', accountId: null, origin: internalOrigin, data: { key: key.id } },
    ])
  }

  await ensure('access')
  await ensure('refresh')
  await load()

  const reread = (): Promise<void> => {
    rereading ??= share(() =>
      load().finally(() => {
        rereading = undefined
      }),
    )
    return rereading()
  }
  /** Another node may have created the key for RS256 a moment ago: then it is read. */
  const prepare = createShared(async (): Promise<void> => {
    await ensure('rs256')
    await load()
  })

  return {
    /** The key that signs now: the newest one that all verifiers must know. */
    current(purpose: Purpose): SigningKey {
      const now = clock()
      const key = loaded[purpose].findLast(({ activatesAt }) => activatesAt <= now) ?? loaded[purpose][0]
      if (!key) throw new Error(`there is no ${purpose} signing key`)
      return key
    },

    /**
     * Makes sure that there is a key for RS256, before an application is registered that verifies nothing else. The first
     * one signs at once: no key set of such an application can lack it for long.
     */
    async prepareRs256(): Promise<void> {
      if (loaded.rs256.length === 0) await prepare()
    },

    find: (id: string) => byId.get(id),

    /**
     * An unknown key ID may be the newest key of another node. Reads the keys again, at most once in ten seconds, so
     * that invented IDs cannot load the store. While the keys could not be read, nobody knows whether a key exists: a
     * token must not be called invalid because of that.
     */
    async findFresh(id: string) {
      const known = byId.get(id)
      if (known) return known
      const wait = unknownSeconds - (clock().getTime() - lastLoad) / 1000
      if (!rereading && wait > 0) {
        if (hasFailed) throw new BusyError('the list of signing keys', Math.ceil(wait))
        return undefined
      }
      await reread()
      return byId.get(id)
    },

    /**
     * The public part (RFC 7517). It never contains a private member. The first key for RS256 signs at once, maybe on
     * another node, so a key set without one is read again.
     */
    async jwks(): Promise<{ keys: PublicJwk[] }> {
      const isRecent = clock().getTime() - lastLoad < lookAgainSeconds * 1000
      // Verifiers need the keys even while the database does not answer.
      if (loaded.rs256.length === 0 && !hasFailed && (rereading || !isRecent)) await reread().catch(() => undefined)
      return jwks
    },

    /** Publishes a new key for each purpose that is in use. Each signs when every verifier must have it. */
    async rotate(): Promise<void> {
      const wait = jwksMaxAgeSeconds + keyReloadSeconds + leewaySeconds
      const stored = await store.list()
      for (const purpose of purposes)
        if (stored.some((key) => key.purpose === purpose)) await add(purpose, (at) => secondsAfter(at, wait))
      await load()
    },

    /** Reads the keys of other nodes, and deletes keys whose last token has expired. */
    async reload(): Promise<void> {
      await load()
      const now = clock()
      const dead = purposes.flatMap((purpose) => {
        const ttl = purpose === 'refresh' ? refreshTtlSeconds : accessTtlSeconds
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
