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
    for (const group of due.values()) void run(group)
  }
  function groupFor(call: C): Group<C, R> {
    for (let nth = 0; ; nth++) {
      const name = `${alike(call)} ${nth}`
      const group = groups.get(name) ?? new Map()
      if (group.has(call.id)) continue
      groups.set(name, group)
      return group
    }
  }

  return (call) =>
    new Promise((resolve, reject) => {
      if (groups.size === 0) endOfTurn(flush)
      groupFor(call).set(call.id, { call, resolve, reject })
    })
}
