import { randomBytes } from 'node:crypto'
import { eq } from 'drizzle-orm'
import type { Conflict, Identity } from '../../src/accounts/ports.ts'
import type { NewTokens } from '../../src/connections/ports.ts'
import type { Fact } from '../../src/events/catalogue.ts'
import type { Sweep, SweepName } from '../../src/jobs/ports.ts'
import { type Account, noMetadata } from '../../src/kernel/account.ts'
import type { Email } from '../../src/kernel/email.ts'
import { createIds, type Ids, systemRandom } from '../../src/kernel/ids.ts'
import type { PendingAuthorization } from '../../src/providers/ports.ts'
import type { OneTimeCode, Session, StoredKey } from '../../src/sessions/ports.ts'
import type { Driver } from '../../src/store/driver.ts'
import { openDriver, type Store, type StoreConfig, storeOver } from '../../src/store/open.ts'
import { testRequestMs } from '../support/opened-store.ts'
import { checkingShortReads } from '../support/short-reads.ts'

/** The moment at which the cases below happen; its milliseconds must survive every store. */
export const now = new Date('2026-01-02T03:04:05.678Z')
export const later = (seconds: number, from = now): Date => new Date(from.getTime() + seconds * 1000)

/** A store with what the tests inspect from outside: its driver, and the facts it published. */
export type Opened = { readonly store: Store; readonly driver: Driver; readonly told: Fact[] }

/** The location of a database, so that several stores can open the same one. */
export type Backend = {
  readonly name: string
  /** A new database that was never opened. */
  readonly place: () => Promise<StoreConfig>
  /** A new database with our tables. */
  readonly migrated: () => Promise<StoreConfig>
  /** A database that may have been opened, but is empty. */
  readonly emptied: () => Promise<StoreConfig>
  /** How the database would execute a statement, line by line, if its tables were large. */
  readonly explain: (config: StoreConfig, sql: string, params: readonly unknown[]) => Promise<readonly string[]>
}

/**
 * The drivers that are not in use, for each database that the tests of a file share. A connection to PostgreSQL is a
 * process that begins with nothing cached: opening them for each test took half of the time of the contract.
 */
const spareDrivers = new Map<StoreConfig, Driver[]>()

/** From now on, closing a store on this database keeps its driver for the next one that is opened there. */
export const keepDrivers = (config: StoreConfig): unknown => spareDrivers.set(config, [])

/** Closes the drivers that were kept. */
export async function closeDrivers(config: StoreConfig): Promise<void> {
  const spare = spareDrivers.get(config) ?? []
  spareDrivers.delete(config)
  await Promise.all(spare.map((driver) => driver.close()))
}

async function driverOf(config: StoreConfig): Promise<Driver> {
  const spare = spareDrivers.get(config)
  const openNew = () => openDriver(config, { requestMs: testRequestMs })
  if (!spare) return openNew()
  const driver = spare.pop() ?? (await openNew())
  let isClosed = false
  const close = async (): Promise<void> => {
    if (!isClosed) spare.push(driver)
    isClosed = true
  }
  return { ...driver, close }
}

export async function open(config: StoreConfig): Promise<Opened> {
  const driver = await driverOf(config)
  const told: Fact[] = []
  const clock = () => now
  const store = storeOver(checkingShortReads(driver, config), {
    clock,
    ids: createIds(clock, systemRandom),
    publish: (fact) => told.push(fact),
  })
  return { store, driver, told }
}

export const newId: Ids = (prefix) => `${prefix}_${randomBytes(12).toString('hex')}`

export const account = (given: Partial<Account> = {}): Account => ({
  id: newId('usr'),
  email: null,
  emailVerified: false,
  name: 'Ada Lovelace',
  picture: 'https://example.com/ada.png',
  role: 'user',
  locale: null,
  timeZone: null,
  metadata: noMetadata,
  secondFactorAt: null,
  disabledAt: null,
  createdAt: now,
  updatedAt: now,
  ...given,
})

export const identity = (accountId: string, given: Partial<Identity> = {}): Identity => ({
  id: newId('idn'),
  accountId,
  provider: 'github',
  issuer: given.provider ?? 'github',
  subject: randomBytes(6).toString('hex'),
  email: 'ada@example.com',
  emailVerified: true,
  name: 'Ada',
  picture: null,
  scopes: ['read:user', 'user:email'],
  linkedAt: now,
  lastUsedAt: now,
  ...given,
})

export const session = (accountId: string, given: Partial<Session> = {}): Session => ({
  id: newId('ses'),
  accountId,
  identityId: null,
  provider: 'github',
  name: null,
  amr: ['fed', 'mfa'],
  scope: 'openid profile',
  authTime: now,
  createdAt: now,
  lastSeenAt: now,
  ip: '203.0.113.7',
  userAgent: 'Netscape/1.1',
  generation: 0,
  rotatedAt: now,
  usedGeneration: -1,
  idleExpiresAt: later(600),
  absoluteExpiresAt: later(6000),
  endedAt: null,
  endReason: null,
  ...given,
})

export const code = (session: Session, given: Partial<OneTimeCode> = {}): OneTimeCode => ({
  codeHash: randomBytes(16).toString('hex'),
  sessionId: session.id,
  accountId: session.accountId,
  action: 'login_existing',
  provider: 'github',
  providerUserId: '42',
  codeChallenge: 'challenge',
  expiresAt: later(60),
  usedAt: null,
  ...given,
})

export const pendingAuthorization = (given: Partial<PendingAuthorization> = {}): PendingAuthorization => ({
  id: newId('flw'),
  stateHash: randomBytes(16).toString('hex'),
  bindingHash: 'binding',
  provider: 'github',
  issuer: 'github',
  clientId: 'c',
  providerVersion: null,
  intent: 'login',
  redirectUri: 'https://id.example.com/auth/github/callback',
  verifier: 'v1.k.sealed',
  nonce: null,
  accountId: null,
  sessionId: null,
  teamId: null,
  scopes: null,
  returnTo: '/account',
  codeChallenge: null,
  createdAt: now,
  expiresAt: later(300),
  claimedAt: null,
  ...given,
})

export const conflict = (given: Partial<Conflict> = {}): Conflict => ({
  id: newId('cfl'),
  ticketHash: randomBytes(16).toString('hex'),
  bindingHash: 'binding',
  provider: 'github',
  grant: 'v1.k.sealed',
  returnTo: null,
  codeChallenge: null,
  createdAt: now,
  expiresAt: later(600),
  resolvedAt: null,
  ...given,
})

export const key = (given: Partial<StoredKey> = {}): StoredKey => ({
  id: newId('key'),
  purpose: 'access',
  sequence: 1,
  secret: 'v1.k.sealed',
  publicJwk: '{"kty":"EC"}',
  createdAt: now,
  activatesAt: later(60),
  ...given,
})

export const tokens = (given: Partial<NewTokens> = {}): NewTokens => ({
  accessToken: 'sealed access',
  refreshToken: 'sealed refresh',
  askedScopes: ['repo'],
  scopes: ['repo'],
  expiresAt: later(3600),
  refreshExpiresAt: null,
  dueAt: null,
  ...given,
})

export const origin = { ip: '198.51.100.9', userAgent: 'Mosaic/1.0', requestId: 'req_1' }

/** Facts that differ only in the account they are about. */
export const created = (accountId: string): Fact => ({
  name: 'account.created',
  data: { via: 'github' },
  accountId,
  origin,
})
export const linked = ({ accountId, provider, id }: Identity): Fact => ({
  name: 'identity.linked',
  data: { provider, identity: id, how: 'on_purpose' },
  accountId,
  origin,
})
export const unlinked = ({ accountId, provider, id }: Identity): Fact => ({
  name: 'identity.unlinked',
  data: { provider, identity: id },
  accountId,
  origin,
})
export const updated = (accountId: string): Fact => ({
  name: 'account.updated',
  data: { fields: ['name'] },
  accountId,
  origin,
})
export const deleted = (accountId: string): Fact => ({ name: 'account.deleted', data: {}, accountId, origin })
export const loggedOut =
  (accountId: string) =>
  (session: string): Fact => ({ name: 'session.ended', data: { session, reason: 'logout' }, accountId, origin })

/** An account with one identity, stored. */
export async function newcomer(
  { store }: Pick<Opened, 'store'>,
  given: Partial<Account> = {},
  by: Partial<Identity> = {},
): Promise<{ account: Account; identity: Identity }> {
  const person = account(given)
  const way = identity(person.id, by)
  if (!(await store.accounts.create(person, way, { separate: true }, []))) throw new Error('the newcomer was refused')
  return { account: person, identity: way }
}

/** A session whose facts do not matter. */
export async function signedIn(
  { store }: Pick<Opened, 'store'>,
  accountId: string,
  given: Partial<Session> = {},
  cookieHash: string | null = null,
): Promise<Session> {
  const started = session(accountId, given)
  await store.sessions.start(started, { opener: { tag: 'email' }, cookieHash, replaces: null }, [])
  return started
}

export const ada: Email = { address: 'ada@example.com', key: 'ada@example.com' }

/** Opened by no removable method. */
export const byMail = { opener: { tag: 'email' } } as const

export const names = (facts: readonly Fact[]): string[] => facts.map(({ name }) => name)

/** Every row of the audit log, in the order it was written. */
export const trailOf = async ({ driver }: Opened) => {
  const { audit } = driver.tables
  return driver.read(driver.db.select().from(audit).orderBy(audit.at, audit.ordinal))
}

export const rowsOf = async (
  { driver }: Opened,
  table:
    | 'accounts'
    | 'identities'
    | 'sessions'
    | 'applicationSessions'
    | 'openidStates'
    | 'signInCodes'
    | 'pendingAuthorizations'
    | 'grants'
    | 'revocations'
    | 'tickets'
    | 'pendingSignIns'
    | 'trustedDevices',
) => driver.read(driver.db.select().from(driver.tables[table]))

export const disable = ({ driver }: Opened, id: string) => {
  const { accounts } = driver.tables
  return driver.write(driver.db.update(accounts).set({ disabledAt: now }).where(eq(accounts.id, id)))
}

/** An account with this identity: no grant is stored without one. */
export async function known(
  store: Store,
  { issuer, subject }: Pick<Identity, 'issuer' | 'subject'>,
): Promise<Identity> {
  const person = account()
  const theirs = identity(person.id, { provider: issuer, issuer, subject })
  if (!(await store.accounts.create(person, theirs, { separate: true }, []))) throw new Error('it is known already')
  return theirs
}

/** How many rows a sweep changes in all, batch by batch. */
export async function sweptIn({ sweeps }: Store, name: SweepName, before: Date, limit = 500): Promise<number> {
  let rows = 0
  for (let after: string | undefined = ''; after !== undefined; ) {
    const batch: Awaited<ReturnType<Sweep>> = await sweeps[name]({ before, after, limit })
    const { swept, next, failures = [] } = batch
    if (failures.length > 0) throw failures[0]
    rows += swept
    after = next
  }
  return rows
}

/** Live sessions from before there was a limit, numbered; the last one was seen last. */
export async function insertSessions({ db, tables, write }: Driver, accountId: string, count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, n) => ({
    ...session(accountId, { name: String(n), lastSeenAt: later(n / 1000 - 1000) }),
    cookieHash: null,
  }))
  for (let from = 0; from < count; from += 250)
    await write(db.insert(tables.sessions).values(rows.slice(from, from + 250)))
}
