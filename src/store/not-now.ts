import { BusyError } from '../kernel/busy.ts'
import { ReferenceGoneError } from '../kernel/gone.ts'

/**
 * Why a database cannot do now what it can do at other times. `unreachable`: nobody answers, or the connection is
 * lost. `refusing`: it answers, and cannot write or read its files. `contended`: somebody else holds what is needed.
 */
export type NotNow = 'unreachable' | 'refusing' | 'contended'

/** When to come back, in seconds. */
const retryAfter: Readonly<Record<NotNow, number>> = { unreachable: 5, refusing: 30, contended: 1 }

type Table = readonly (readonly [codes: RegExp, NotNow])[]

/**
 * Codes of better-sqlite3 (sqlite.org/rescode.html); an extended code begins with its primary one. Everything that is
 * not in here is a defect, of the statement or of the data.
 */
const sqlite: Table = [
  [/^SQLITE_(BUSY|LOCKED|PROTOCOL)/, 'contended'],
  [/^SQLITE_(FULL|READONLY|IOERR|CORRUPT|CANTOPEN|NOTADB|NOMEM|PERM)/, 'refusing'],
  [/^DATABASE_FILE_MOVED$/, 'refusing'],
]

/** SQLSTATEs (PostgreSQL, Appendix A), and what the network says. */
const postgres: Table = [
  // A connection that is lost, that is not accepted, or that an operator or a limit has ended
  [/^(08|57P|25P0[34]$)/, 'unreachable'],
  [/^E(CONN(REFUSED|RESET|ABORTED)|PIPE|TIMEDOUT|(HOST|NET)(UNREACH|DOWN)|AI_AGAIN)$|^ENOTFOUND$/, 'unreachable'],
  [/^53300$/, 'unreachable'],
  // Read-only (a standby, or a primary that has just become one), out of resources, files that cannot be read
  [/^(25006$|53|58|XX00[12]$)/, 'refusing'],
  // Canceled, locked, a deadlock or a serialization failure that did not end with being tried again
  [/^(57014|55P03|40001|40P01)$/, 'contended'],
]
const tables = { sqlite, postgres } as const

export const codeOf = (thrown: unknown): string => String((thrown as { code?: unknown } | undefined)?.code)

/** What an error of this database says about now; `undefined` for a defect. */
export function notNowOf(dialect: keyof typeof tables, thrown: unknown): NotNow | undefined {
  const code = codeOf(thrown)
  return tables[dialect].find(([codes]) => codes.test(code))?.[1]
}

/** The database cannot do it now. Its reports reach an operator by `createHealth`, so no request logs its own. */
export const busy = (why: NotNow): BusyError => new BusyError('the database', retryAfter[why])

/** What an operator is told: what happens now, and the error that showed it. `null` once it is over. */
export type HealthChange = { readonly state: NotNow | 'healthy'; readonly cause?: unknown }

/** How long nothing may have been contended before it counts as over, in milliseconds. */
const calmMs = 10_000

/**
 * Reports changes of a database's state, not each request that meets it: an outage is one line, not one for everybody
 * who waits. Being reachable is shown by any answer, that it can write only by a write.
 */
export function createHealth(report: (change: HealthChange) => void) {
  let state: HealthChange['state'] = 'healthy'
  let at = 0
  const become = (next: HealthChange['state'], cause?: unknown): void => {
    at = performance.now()
    if (state === next) return
    state = next
    report(cause === undefined ? { state } : { state, cause })
  }
  return {
    failed(why: NotNow, cause: unknown): BusyError {
      // One locked row says nothing while the whole database is away.
      if (why !== 'contended' || state === 'healthy' || state === 'contended') become(why, cause)
      return busy(why)
    },
    worked(wrote: boolean): void {
      if (state === 'healthy') return
      if (state === 'refusing' && !wrote) return
      if (state === 'contended' && performance.now() - at < calmMs) return
      become('healthy')
    },
  }
}
export type Health = ReturnType<typeof createHealth>

/** A row that refers to one which is not there. */
const foreignKey: Readonly<Record<keyof typeof tables, string>> = {
  sqlite: 'SQLITE_CONSTRAINT_FOREIGNKEY',
  postgres: '23503',
}

/** What an error of a database is to those above the store: not now, a reference that is gone, or a defect. */
export function meaningOf(dialect: keyof typeof tables, thrown: unknown, health: Health): unknown {
  const why = notNowOf(dialect, thrown)
  if (why) return health.failed(why, thrown)
  if (codeOf(thrown) !== foreignKey[dialect]) return thrown
  return new ReferenceGoneError((thrown as Error).message, { cause: thrown })
}
