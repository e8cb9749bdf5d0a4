import { getTableColumns } from 'drizzle-orm'
import type { Fact } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Ids } from '../kernel/ids.ts'
import { allGiven, type Driver, type Queries, type Script, step } from './driver.ts'

/** Writes facts into the trail, within the transaction of the change they explain. */
export type Note = (facts: readonly Fact[]) => Script<void>

/** A transaction that tells its reasons: what it noted is published after the commit, and only then. */
export type Change = <T>(script: (tx: Queries, note: Note) => Script<T>, locks?: readonly string[]) => Promise<T>

export type Parts = {
  readonly clock: Clock
  readonly ids: Ids
  readonly publish: (fact: Fact) => void
}

/** Whoever decides what is left of an account, or whether it is left, holds this. */
export const accountLock = (accountId: string): string => `account:${accountId}`

/** Rows of one INSERT: well below the parameters either database takes, and few different texts to prepare. */
const rowsAtOnce = 50

export function createChange({ db, tables: t, atomic, steps }: Driver, { clock, ids, publish }: Parts): Change {
  // Facts of one millisecond keep the order they were noted in, on the node that noted them.
  let ordinal = 0
  const noting = steps(db.insert(t.audit).values(allGiven(getTableColumns(t.audit))))

  return async (script, locks) => {
    let noted: Fact[] = []
    const result = await atomic((tx) => {
      noted = []
      return script(tx, function* (facts) {
        const at = clock()
        const rows = facts.map(({ name, data, accountId, origin }) => ({
          id: ids('aud'),
          at,
          ordinal: ordinal++,
          event: name,
          accountId,
          ...{ ip: origin.ip, userAgent: origin.userAgent, requestId: origin.requestId },
          data,
        }))
        noted.push(...facts)
        const [first, ...more] = rows
        if (first && more.length === 0) yield* step(noting(first))
        else
          for (let from = 0; from < rows.length; from += rowsAtOnce)
            yield* step(tx.insert(t.audit).values(rows.slice(from, from + rowsAtOnce)))
      })
    }, locks)
    noted.forEach(publish)
    return result
  }
}
