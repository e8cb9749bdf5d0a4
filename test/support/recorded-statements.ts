/** The statements a store runs, as its driver receives them: no copy of a query that could differ from the real one. */
import { fillPlaceholders } from 'drizzle-orm'
import type { Driver, Queries, Script, Values } from '../../src/store/driver.ts'

export type Statement = { readonly sql: string; readonly params: readonly unknown[] }

/**
 * Every statement since the list was last cleared. One list for a test file, since the service opens drivers itself.
 */
export const recorded: Statement[] = []

/** Every hot statement of the stores, whether it has run or not. The parameters have no values. */
export const hotStatements = new Map<string, Statement>()

type Built = { toSQL(): { sql: string; params: unknown[] } }
function record(query: unknown, values: Values = {}): void {
  const { sql, params } = (query as Built).toSQL()
  recorded.push({ sql, params: fillPlaceholders(params, values as Record<string, unknown>) })
}

function noteHot(query: unknown): void {
  const { sql, params } = (query as Built).toSQL()
  hotStatements.set(sql, { sql, params: params.map(() => null) })
}

const once = new Set(['read', 'readLong', 'write'])
const prepared = new Set(['reads', 'writes', 'waitingWrites'])

/** The same driver, with its statements recorded. */
export function recording(driver: Driver): Driver {
  /** The statement behind a hot step, which the driver only sees prepared. */
  const sources = new WeakMap<object, { readonly query: unknown; readonly values: Values }>()
  const wrapped: Record<string, unknown> = { ...driver }
  for (const [name, verb] of Object.entries<unknown>({ ...driver })) {
    if (typeof verb !== 'function') continue
    const run = verb as (...given: unknown[]) => unknown
    if (once.has(name))
      wrapped[name] = (query: unknown) => {
        record(query)
        return run(query)
      }
    else if (prepared.has(name))
      wrapped[name] = (query: unknown, options: unknown) => {
        noteHot(query)
        const ready = run(query, options) as (values: unknown) => unknown
        return (values: Values | (() => Values)) => {
          record(query, typeof values === 'function' ? values() : values)
          return ready(values)
        }
      }
    else if (name === 'steps')
      wrapped[name] = (query: unknown) => {
        noteHot(query)
        const ready = run(query) as (values: Values) => object
        return (values: Values) => {
          const step = ready(values)
          sources.set(step, { query, values })
          return step
        }
      }
  }
  function* watched<T>(script: Script<T>): Script<T> {
    let turn = script.next()
    while (!turn.done) {
      const source = sources.get(turn.value)
      record(source?.query ?? turn.value, source?.values)
      turn = script.next(yield turn.value)
    }
    return turn.value
  }
  wrapped.atomic = <T>(script: (tx: Queries) => Script<T>, locks?: readonly string[]) =>
    driver.atomic((tx) => watched(script(tx)), locks)
  return wrapped as unknown as Driver
}
