import type { Fact } from '../../src/events/catalogue.ts'
import { createIds, systemRandom } from '../../src/kernel/ids.ts'
import type { Driver, Script } from '../../src/store/driver.ts'
import { storeOver } from '../../src/store/open.ts'
import { now, type Opened } from './people.ts'

type Text = { readonly sql: string; readonly params: readonly unknown[] }
/** A statement prepared before has no text; those are INSERTs into the audit log. */
const textOf = (query: unknown): Text | undefined =>
  query instanceof Object && 'toSQL' in query ? (query as { toSQL(): Text }).toSQL() : undefined

/** A store on the same database that records which statements it runs, and how many rows each changed or found. */
export function watched({ driver, told }: Opened) {
  const statements: (Text & { readonly rows: number })[] = []
  /** How many rows the statements of each transaction changed or found together. */
  const transactions: { rows: number }[] = []
  let deadly: RegExp | undefined
  /** Called before a statement: the process may die there, as far as the database can tell. */
  const before = (query: unknown): void => {
    if (deadly?.test(textOf(query)?.sql ?? '')) throw new Error('the process died')
  }
  const ran = <T>(query: PromiseLike<T>, result: T): T => {
    const text = textOf(query)
    if (text) statements.push({ ...text, rows: Array.isArray(result) ? result.length : 0 })
    return result
  }
  function* watching<T>(script: Script<T>): Script<T> {
    const transaction = { rows: 0 }
    transactions.push(transaction)
    let turn = script.next()
    while (!turn.done) {
      before(turn.value)
      const result: unknown = yield turn.value
      if (Array.isArray(result)) transaction.rows += result.length
      turn = script.next(ran(turn.value, result))
    }
    return turn.value
  }
  const watchedDriver: Driver = {
    ...driver,
    read: async (query) => ran(query, await driver.read(query)),
    write: async (query) => ran(query, await driver.write(query)),
    atomic: (script, locks) => driver.atomic((tx) => watching(script(tx)), locks),
  }
  const clock = () => now
  const parts = { clock, ids: createIds(clock, systemRandom), publish: (fact: Fact) => void told.push(fact) }
  const dieAt = (text: RegExp): void => {
    deadly = text
  }
  return { store: storeOver(watchedDriver, parts), statements, transactions, dieAt }
}
