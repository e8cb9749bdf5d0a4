import { atMost } from '../kernel/at-most.ts'
import { Limit, limitOfCaller, withinLimit } from '../kernel/limit.ts'
import { readPostgresUrl } from '../kernel/postgres-url.ts'
import { accountStore } from './accounts.ts'
import { addressStore } from './addresses.ts'
import { applicationAccessStore } from './application-access.ts'
import { applicationSessionStore } from './application-sessions.ts'
import { applicationStore, consentStore, logoutNoticeStore, openidStateStore } from './applications.ts'
import { auditStore } from './audit.ts'
import { codeOf } from './availability.ts'
import { brandStore } from './branding.ts'
import { type ChangeParts, createChange } from './change.ts'
import { conflictStore } from './conflicts.ts'
import { isCopyUnfinished } from './copy-marker.ts'
import type { Driver, DriverParts, ReadOnlyDriver, SqliteConfig } from './driver.ts'
import { endableStore } from './endable.ts'
import { grantStore } from './grants.ts'
import { guessStore } from './guesses.ts'
import { invitationStore } from './invitations.ts'
import { invitedAccountStore } from './invited-accounts.ts'
import { jiraStore } from './jira.ts'
import { jobStore } from './jobs.ts'
import { mailStore } from './mails.ts'
import { openError, openErrorOf } from './open-error.ts'
import { passkeyStore } from './passkeys.ts'
import { passwordStore } from './passwords.ts'
import { pendingAuthorizationStore } from './pending-authorizations.ts'
import { pendingSignInStore } from './pending-sign-ins.ts'
import { personalDataStore } from './personal-data.ts'
import { providerStore } from './providers.ts'
import { rateLimitStore } from './rate-limits.ts'
import { registrationStore } from './registrations.ts'
import { revocationStore } from './revocations.ts'
import { sealedStore } from './sealed.ts'
import { secondFactorStore } from './second-factors.ts'
import { serviceCredentialStore } from './service-credentials.ts'
import { sessionStore } from './sessions.ts'
import { signInCodeStore } from './sign-in-codes.ts'
import { keyStore } from './signing-keys.ts'
import { statisticsStore } from './statistics.ts'
import { sweepStore } from './sweeps.ts'
import { teamStore } from './teams.ts'
import { ticketStore } from './tickets.ts'
import { trustedDeviceStore } from './trusted-devices.ts'
import { userStore } from './users.ts'

/** The time limit of a request if no setting gives one, in milliseconds. */
const defaultRequestMs = 5000
/** How long startup waits for a locked database file, or for an answer of PostgreSQL, in milliseconds. */
const defaultOpenMs = 10_000

export type StoreConfig =
  | SqliteConfig
  | { readonly tag: 'postgres'; readonly url: string; readonly maxConnections?: number }

/** The first statement on a table also shows whether the role may read it at all. Only the server's codes say so. */
const rethrowExplained = (url: string) => (thrown: unknown) => {
  const address = readPostgresUrl(url)
  throw address.ok && /^[0-9A-Z]{5}$/.test(codeOf(thrown)) ? openErrorOf(thrown, address.value) : thrown
}

/**
 * Opens the database, applies pending migrations, and implements every port. Rejects with a `DatabaseOpenError` if the
 * database cannot be opened, or if a copy into it was not finished: accounts and devices may be missing.
 */
export async function openStore(
  config: StoreConfig,
  parts: ChangeParts,
  given: Partial<DriverParts> = {},
): Promise<Store> {
  const driver = await openDriver(config, given)
  try {
    // Only PostgreSQL can be the target of a copy.
    if (config.tag === 'postgres' && (await isCopyUnfinished(driver).catch(rethrowExplained(config.url))))
      throw openError(
        'A copy from SQLite into this database was not finished. Run copy-to again with the SQLite file in DATABASE_URL; if copy-to cannot continue, create an empty database and copy into it.',
      )
    return storeOver(driver, parts)
  } catch (error) {
    await driver.close()
    throw error
  }
}

/** Loads only the driver that is needed: the other one would only use memory. */
export async function openDriver(config: StoreConfig, given: Partial<DriverParts> = {}): Promise<Driver> {
  const parts: DriverParts = {
    requestMs: defaultRequestMs,
    openMs: defaultOpenMs,
    report: () => {},
    warn: () => {},
    ...given,
  }
  if (config.tag === 'sqlite') return (await import('./sqlite.ts')).openSqlite(config, parts)
  const { openPostgres } = await import('./postgres.ts')
  return openPostgres(config.url, { maxConnections: config.maxConnections, ...parts })
}

/** Opens an existing database for reading only: nothing is created, migrated or written. */
export async function openReader(config: StoreConfig, requestMs: number): Promise<ReadOnlyDriver> {
  if (config.tag === 'sqlite') return (await import('./examine-sqlite.ts')).readSqlite(config.file)
  const { openPostgres } = await import('./postgres.ts')
  const silent = { report: () => {}, warn: () => {} }
  return openPostgres(config.url, { requestMs, openMs: 0, maxConnections: 1, migrate: false, ...silent })
}

/** How long a readiness check waits, in milliseconds. */
const readyMs = 1000
/** How long its write may take, in milliseconds. Then its connection is given up, and the next check takes another. */
const readinessWriteMs = 2000

/**
 * Whether a write succeeds now, within a second. A read is not enough: a full disk, a standby and a file that became
 * read-only all answer reads. At most one such write runs at a time, however many callers check.
 */
function readiness({ db, tables: { rateLimits: t }, writes }: Driver): () => Promise<boolean> {
  const at = new Date(0)
  const writing = writes(
    db
      .insert(t)
      .values({ key: 'readiness', hits: 0, resetsAt: at })
      .onConflictDoUpdate({ target: t.key, set: { resetsAt: at } }),
  )
  // On SQLite no request has a limit, and none is introduced: limits cost something at every promise.
  const limited = <T>(work: () => T): T => (limitOfCaller() ? withinLimit(new Limit(readinessWriteMs), work) : work())
  let written: Promise<boolean> | undefined
  return () => {
    // A limit of its own: a check whose caller has given up must not fail for the others that share it, and a
    // connection that was silently lost must not keep the node from being ready.
    written ??= limited(() => writing({}))
      .then(
        () => true,
        () => false,
      )
      .finally(() => {
        written = undefined
      })
    return atMost(readyMs, written, false)
  }
}

/** Implements every port on one database. All its migrations must be applied. */
export function storeOver(driver: Driver, parts: ChangeParts) {
  const change = createChange(driver, parts)
  return {
    accounts: accountStore(driver, change, parts.ids),
    addresses: addressStore(driver, change, parts.ids),
    users: userStore(driver, change),
    invitedAccounts: invitedAccountStore(driver, change, parts.ids),
    personalData: personalDataStore(driver, change),
    conflicts: conflictStore(driver, change),
    applications: applicationStore(driver, change),
    registrations: registrationStore(driver, change),
    applicationAccess: applicationAccessStore(driver, change, parts),
    applicationSessions: applicationSessionStore(driver, change, parts),
    consents: consentStore(driver, change, parts.ids),
    logoutNotices: logoutNoticeStore(driver),
    openidStates: openidStateStore(driver, change),
    sessions: sessionStore(driver, change),
    endable: endableStore(driver, change),
    pendingSignIns: pendingSignInStore(driver, change),
    codes: signInCodeStore(driver),
    keys: keyStore(driver, change),
    providers: providerStore(driver, change),
    branding: brandStore(driver, change),
    pendingAuthorizations: pendingAuthorizationStore(driver, change),
    grants: grantStore(driver, change, parts.ids),
    revocations: revocationStore(driver, change),
    tickets: ticketStore(driver, change),
    guesses: guessStore(driver),
    passwords: passwordStore(driver, change),
    trustedDevices: trustedDeviceStore(driver),
    secondFactors: secondFactorStore(driver, change),
    passkeys: passkeyStore(driver, change),
    serviceCredentials: serviceCredentialStore(driver, change),
    mails: mailStore(driver),
    teams: teamStore(driver, change, parts.ids),
    invitations: invitationStore(driver, change),
    jira: jiraStore(driver, change, parts.ids),
    audit: auditStore(driver, change, parts.clock),
    statistics: statisticsStore(driver),
    jobs: jobStore(driver),
    sweeps: sweepStore(driver, change, parts.ids),
    sealed: sealedStore(driver),
    rateLimits: rateLimitStore(driver),
    /** Whether the store can write now. */
    ready: readiness(driver),
    /** The clock that all nodes on this database share; `undefined` for a database on one machine. */
    time: driver.time,
    /** Waits for running work, then closes the database. */
    close: driver.close,
  }
}
export type Store = ReturnType<typeof storeOver>
