type Waiting<C, R> = {
  readonly call: C
  readonly resolve: (row: R | undefined) => void
  readonly reject: (reason: unknown) => void
}
type Group<C, R> = Map<string, Waiting<C, R>>

/**
 * Runs the calls of one turn of the event loop as one statement, so that under load the database is asked once for
 * many rows. `alike` names what a statement has but one of: calls that differ in it do not share one. Each call is
 * answered with the row that has its id, or `undefined`; when the statement fails, all of its calls do.
 *
 * Two calls for one id never share a statement: each expects the row as it finds it, so only one of them can be right.
 */
export function together<C extends { readonly id: string }, R extends { readonly id: string }>(
  endOfTurn: (run: () => void) => void,
  alike: (call: C) => string,
  statement: (calls: readonly [C, ...C[]]) => Promise<readonly R[]>,
): (call: C) => Promise<R | undefined> {
  let groups = new Map<string, Group<C, R>>()
  let repeats = new Map<string, number>()

  async function run(group: Group<C, R>): Promise<void> {
    const waiting = [...group.values()]
    try {
      const rows = await statement(waiting.map(({ call }) => call) as [C, ...C[]])
      const byId = new Map(rows.map((row) => [row.id, row]))
      for (const { call, resolve } of waiting) resolve(byId.get(call.id))
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }
  function flush(): void {
    const due = groups
    groups = new Map()
    repeats = new Map()
    for (const group of due.values()) void run(group)
  }
  function named(name: string): Group<C, R> {
    const group = groups.get(name) ?? new Map()
    groups.set(name, group)
    return group
  }
  /** Found at once, however often an id was asked for before: a flood for one row must not hold up everybody's turn. */
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
      if (groups.size === 0) endOfTurn(flush)
      groupFor(call).set(call.id, { call, resolve, reject })
    })
}
