/** Users who registered with an email address and a password, as rows: by whichever route. */
import { eq } from 'drizzle-orm'
import { createPasswords } from '../../src/credentials/passwords.ts'
import { secondsAfter } from '../../src/kernel/clock.ts'
import { sha256 } from '../../src/kernel/crypto.ts'
import { readEmail } from '../../src/kernel/email.ts'
import { createIds, secretToken, systemRandom } from '../../src/kernel/ids.ts'
import type { Driver } from '../../src/store/driver.ts'
import { openDriver, storeOver } from '../../src/store/open.ts'
import type { World } from './service.ts'

/** Hashed with the service's defaults. */
const passwords = createPasswords({
  policy: { leastLength: 12, memoryKib: 19_456, passes: 2, lanes: 1 },
  random: systemRandom,
  words: [],
})

/** A hash of each password, which its users share: hashing takes longer than all else that `registered` does. */
const hashes = new Map<string, Promise<string>>()
function hashOf(password: string): Promise<string> {
  const hash = hashes.get(password) ?? passwords.hash(password)
  hashes.set(password, hash)
  return hash
}

type Registered = { readonly id: string; readonly email: string; readonly token: string; readonly cookie: string }

export async function registered(
  world: World,
  email: string,
  { verified = false, password = 'correct horse battery', signedIn = true } = {},
): Promise<Registered> {
  return withTables(world, async ({ driver, store, ids }) => {
    const { accounts, passwords: kept } = driver.tables
    const { db, write } = driver
    const at = world.clock()
    const id = ids('usr')
    const emailKey = readEmail(email)?.key ?? ''
    await write(
      db.insert(accounts).values({
        id,
        email,
        emailKey,
        verifiedEmailKey: verified ? emailKey : null,
        name: null,
        picture: null,
        role: 'user',
        locale: null,
        timeZone: null,
        secondFactorAt: null,
        disabledAt: null,
        createdAt: at,
        updatedAt: at,
      }),
    )
    const hash = await hashOf(password)
    await write(db.insert(kept).values({ accountId: id, emailKey, hash, changedAt: at }))
    if (!signedIn) return { id, email, token: '', cookie: '' }
    const secret = secretToken(systemRandom)
    await store.sessions.start(
      {
        id: ids('ses'),
        accountId: id,
        identityId: null,
        provider: null,
        name: null,
        amr: ['pwd'],
        scope: '',
        authTime: at,
        createdAt: at,
        lastSeenAt: at,
        ip: null,
        userAgent: null,
        generation: 1,
        rotatedAt: at,
        usedGeneration: 0,
        idleExpiresAt: secondsAfter(at, 604_800),
        endedAt: null,
        endReason: null,
        absoluteExpiresAt: secondsAfter(at, 7_776_000),
      },
      { opener: { tag: 'password', changedAt: at.getTime() }, cookieHash: sha256(secret), replaces: null },
      [],
    )
    const cookie = `vinculum_session=${secret}`
    return { id, email, token: await tokenOf(world, cookie), cookie }
  })
}

/** An access token of the session behind a cookie. */
export async function tokenOf(world: World, cookie: string): Promise<string> {
  const headers = { cookie, origin: world.base, 'sec-fetch-site': 'same-origin' }
  const pair = await world.call('POST', '/auth/refresh', { headers, body: {} })
  return String(pair.body.access_token)
}

/** Whether this is the password for this email address; `null` when it has none. */
export const passwordFits = (world: World, email: string, password: string): Promise<boolean | null> =>
  withTables(world, async ({ driver: { db, tables, read } }) => {
    const { passwords: kept } = tables
    const [row] = await read(
      db
        .select()
        .from(kept)
        .where(eq(kept.emailKey, readEmail(email)?.key ?? '')),
    )
    return row ? passwords.verify(row.hash, password) : null
  })

type Behind = {
  readonly driver: Driver
  readonly store: ReturnType<typeof storeOver>
  readonly ids: ReturnType<typeof createIds>
}
const behind = new WeakMap<World, Promise<Behind>>()

/** The tables of a world, over one connection that is closed with it. */
async function withTables<T>(world: World, work: (behind: Behind) => Promise<T>): Promise<T> {
  const opened = behind.get(world) ?? tablesOf(world)
  behind.set(world, opened)
  return work(await opened)
}
async function tablesOf(world: World): Promise<Behind> {
  const url = world.databaseUrl
  const driver = await openDriver(
    url.startsWith('file:')
      ? { tag: 'sqlite', file: url.slice('file:'.length) }
      : { tag: 'postgres', url, maxConnections: 1 },
  )
  world.onStop(driver.close)
  const ids = createIds(world.clock, systemRandom)
  return { driver, ids, store: storeOver(driver, { clock: world.clock, ids, publish: () => undefined }) }
}
