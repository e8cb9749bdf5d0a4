import type { Driver } from './driver.ts'

/**
 * The same driver, but it builds and parses each hot statement at its first use, not when its store is created. All
 * stores together have more than a hundred, and a start needs few of them.
 */
export const withLateStatements = (driver: Driver): Driver => ({
  ...driver,
  reads: (query) => late(() => driver.reads(query)),
  writes: (query) => late(() => driver.writes(query)),
  waitingWrites: (query) => late(() => driver.waitingWrites(query)),
  steps: (query) => late(() => driver.steps(query)),
})

function late<V, R>(prepare: () => (values: V) => R): (values: V) => R {
  let run: ((values: V) => R) | undefined
  return (values) => {
    run ??= prepare()
    return run(values)
  }
}
