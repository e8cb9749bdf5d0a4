import { Limit, requestLimit, whenOver, withinLimit } from '../kernel/limit.ts'
import { busy } from './availability.ts'
import type { Driver } from './driver.ts'

type QueuedCall<C, R> = {
  readonly call: C
  readonly limit: Limit | undefined
  readonly resolve: (row: R | undefined) => void
  readonly reject: (reason: unknown) => void
}
/** How long calls may wait for a running statement before they start another, in milliseconds. */
const patienceMs = 20

type Group<C, R> = Map<string, QueuedCall<C, R>>

/**
 * Runs the calls of one turn of the event loop (see `endOfTurn`) as one statement. Under load, the database is called
 * once for many rows. Calls share a statement only if `alike` returns the same text for them. Each call resolves with
 * the row that has its ID, or `undefined`. If the statement fails, all of its calls do.
 *
 * Two calls for one ID never share a statement: each depends on the row as it finds it, so only one of them can
 * succeed.
 *
 * Requests that share a statement keep their own time limits. With `alone`, `statement` may leave out rows that are
 * locked. Each call without a row then runs `alone`, so that no call waits for the row of another.
 *
 * `atOnce`: how many statements may run at the same time. Further calls wait for the next statement, but no longer than
 * `patienceMs`: a statement that hangs must not hold up later calls.
 */
export function batchCalls<C extends { readonly id: string }, R extends { readonly id: string }>(
  endOfTurn: Driver['endOfTurn'],
  alike: (call: C) => string,
  statement: (calls: () => readonly C[], first: C) => Promise<readonly R[]>,
  alone?: (call: C) => Promise<R | undefined>,
  atOnce = Number.POSITIVE_INFINITY,
): (call: C) => Promise<R | undefined> {
  let groups = new Map<string, Group<C, R>>()
  let repeats = new Map<string, number>()
  /** How many calls wait for the next statements. */
  let size = 0
  let underWay = 0
  let gathering: NodeJS.Timeout | undefined

  async function run(group: Group<C, R>): Promise<void> {
    let waiting = [...group.values()]
    const [{ call: first } = {}] = waiting
    if (first === undefined) return
    /** The callers still waiting when the statement is sent, which may have waited for a connection. */
    const calls = (): readonly C[] => {
      waiting = waiting.filter(({ limit, reject }) => {
        const over = limit?.isOver() === true
        if (over) reject(busy('contended'))
        return !over
      })
      return waiting.map(({ call }) => call)
    }
    underWay++
    const watches = waiting.map(({ limit, reject }) => limit && whenOver(limit, false, () => reject(busy('contended'))))
    const statementRun = withinLongest(waiting, () => statement(calls, first))
    await Promise.allSettled([statementRun])
    underWay--
    if (gathering !== undefined && underWay < atOnce) {
      flush()
      // Sends the next statement before these callers continue, so that the database works while we do.
      await new Promise((resolve) => setImmediate(resolve))
    }
    try {
      const rows = await statementRun
      const byId = new Map(rows.map((row) => [row.id, row]))
      for (const { call, limit, resolve, reject } of waiting) {
        const row = byId.get(call.id)
        if (row !== undefined || !alone) resolve(row)
        else within(limit, () => alone(call)).then(resolve, reject)
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    } finally {
      for (const unwatch of watches) unwatch?.()
    }
  }
  function begin(): void {
    if (underWay < atOnce) endOfTurn(flush, () => size)
    else gathering = setTimeout(flush, patienceMs)
  }
  function flush(): void {
    clearTimeout(gathering)
    gathering = undefined
    const due = groups
    groups = new Map()
    repeats = new Map()
    size = 0
    for (const group of due.values()) void run(group)
  }
  function named(name: string): Group<C, R> {
    const group = groups.get(name) ?? new Map()
    groups.set(name, group)
    return group
  }
  /**
   * Takes constant time, however often the ID was requested: a flood of calls for one row must not delay everyone
   * else's turn.
   */
  function groupFor(call: C): Group<C, R> {
    const kind = alike(call)
    const first = named(kind)
    if (!first.has(call.id)) return first
    const repeat = `${kind} ${call.id}`
    const nth = (repeats.get(repeat) ?? 0) + 1
    repeats.set(repeat, nth)
    return named(`${kind} #${nth}`)
  }

  return (call) =>
    new Promise((resolve, reject) => {
      if (groups.size === 0) begin()
      size += 1
      groupFor(call).set(call.id, { call, limit: requestLimit(), resolve, reject })
    })
}

const within = <T>(limit: Limit | undefined, work: () => T): T => (limit ? withinLimit(limit, work) : work())

/**
 * Uses the longest time limit of the callers: one that has gone, or came late, must not end a statement that others
 * wait for.
 */
function withinLongest<T>(waiting: readonly { readonly limit: Limit | undefined }[], work: () => T): T {
  const longest = Math.max(...waiting.map(({ limit }) => limit?.left ?? 0))
  return within(longest > 0 ? new Limit(longest) : undefined, work)
}
