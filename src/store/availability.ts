import { BusyError } from '../kernel/busy.ts'
import { ReferenceGoneError } from '../kernel/gone.ts'

/**
 * Why a database is temporarily unavailable. `unreachable`: there is no answer, or the connection is lost. `refusing`:
 * it answers, but cannot write or read its files. `contended`: another transaction holds a lock that is needed.
 */
export type UnavailableReason = 'unreachable' | 'refusing' | 'contended'

/** When a client should retry, in seconds. */
const retryAfter: Readonly<Record<UnavailableReason, number>> = { unreachable: 5, refusing: 30, contended: 1 }

type Table = readonly (readonly [codes: RegExp, UnavailableReason])[]

/**
 * Codes of better-sqlite3 (sqlite.org/rescode.html); an extended code begins with its primary one. Every other code is
 * a defect in the statement or in the data.
 */
const sqlite: Table = [
  [/^SQLITE_(BUSY|LOCKED|PROTOCOL)/, 'contended'],
  [/^SQLITE_(FULL|READONLY|IOERR|CORRUPT|CANTOPEN|NOTADB|NOMEM|PERM)/, 'refusing'],
  [/^DATABASE_FILE_(MOVED|UNREADABLE)$/, 'refusing'],
]

/** SQLSTATEs (PostgreSQL, Appendix A), and network errors. */
const postgres: Table = [
  // The connection is lost, was refused, or was ended by an operator or a limit
  [/^(08|57P|25P0[34]$)/, 'unreachable'],
  [/^E(CONN(REFUSED|RESET|ABORTED)|PIPE|TIMEDOUT|(HOST|NET)(UNREACH|DOWN)|AI_AGAIN)$|^ENOTFOUND$/, 'unreachable'],
  [/^53300$/, 'unreachable'],
  // Read-only (a standby, or a primary that has just become one), out of resources, or files that cannot be read
  [/^(25006$|53|58|XX00[12]$)/, 'refusing'],
  // Canceled, locked, or a deadlock or serialization failure that persisted after retries
  [/^(57014|55P03|40001|40P01)$/, 'contended'],
]
const tables = { sqlite, postgres } as const

export const codeOf = (thrown: unknown): string => String((thrown as { code?: unknown } | undefined)?.code)

/** Why the database is unavailable, from one of its errors; `undefined` for a defect. */
export function unavailableReasonOf(dialect: keyof typeof tables, thrown: unknown): UnavailableReason | undefined {
  const code = codeOf(thrown)
  return tables[dialect].find(([codes]) => codes.test(code))?.[1]
}

/**
 * The error for a caller while the database is unavailable. It is not logged for each request: `createHealth` reports
 * the state once.
 */
export const busy = (why: UnavailableReason): BusyError => new BusyError('the database', retryAfter[why])

/** A change of the database's state, for operators, and the error that revealed it. */
export type HealthChange = { readonly state: UnavailableReason | 'healthy'; readonly cause?: unknown }

/** How long nothing may be contended before the database counts as healthy again, in milliseconds. */
const calmMs = 10_000

/**
 * Reports changes of a database's state, not each request that fails: an outage is one line in the log. Any answer
 * shows that the database is reachable; only a write shows that it can write.
 */
export function createHealth(report: (change: HealthChange) => void) {
  let state: HealthChange['state'] = 'healthy'
  let at = 0
  /** Why the database refused, until a write succeeds. */
  let refusal: unknown
  const become = (next: HealthChange['state'], cause?: unknown): void => {
    at = performance.now()
    if (state === next) return
    state = next
    report(cause === undefined ? { state } : { state, cause })
  }
  return {
    failed(why: UnavailableReason, cause: unknown): BusyError {
      if (why === 'refusing') refusal = cause
      // One locked row does not change the state while the whole database is unavailable.
      if (why !== 'contended' || state === 'healthy' || state === 'contended') become(why, cause)
      return busy(why)
    },
    isHealthy: (): boolean => state === 'healthy',
    /** Work succeeded. `wrote`: it changed at least one row, and the change is committed. */
    worked(wrote: boolean): void {
      if (state === 'healthy') return
      if (state === 'contended' && performance.now() - at < calmMs) return
      if (wrote) refusal = undefined
      // A database that is reachable again after it refused writes may still refuse them.
      if (refusal === undefined) become('healthy')
      else become('refusing', refusal)
    },
  }
}
export type Health = ReturnType<typeof createHealth>

/** The error code of a row that refers to a row that does not exist. */
const foreignKey: Readonly<Record<keyof typeof tables, string>> = {
  sqlite: 'SQLITE_CONSTRAINT_FOREIGNKEY',
  postgres: '23503',
}

/** Translates a database error for the layers above: temporarily unavailable, a missing reference, or a defect. */
export function translateError(dialect: keyof typeof tables, thrown: unknown, health: Health): unknown {
  const why = unavailableReasonOf(dialect, thrown)
  if (why) return health.failed(why, thrown)
  if (codeOf(thrown) !== foreignKey[dialect]) return thrown
  return new ReferenceGoneError((thrown as Error).message, { cause: thrown })
}
