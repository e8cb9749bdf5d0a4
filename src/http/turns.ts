/** How long requests that arrive together may hold one turn of the event loop, in milliseconds. */
const shareMs = 10

/** How many waiting requests one turn starts at most. */
const startedAtOnce = 16

/** From how many requests on the end of their turn is awaited: a few at a time cost nothing. */
const fewest = 8

type TurnsParts = {
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number
  /** Calls back once in this turn, after the input that has arrived was read. */
  readonly endOfTurn?: (run: () => void) => void
}

/**
 * Starts the work of requests. Node reads everything that has arrived in one turn of the event loop. If hundreds of
 * requests arrive at the same moment, all of them would start in that turn, and a request just after them would not be
 * read until the last one has started. So once requests have held a turn for `shareMs`, the others start in the next
 * turns, in order of arrival. Only the first request of a connection may wait here, so their number is limited like that
 * of connections.
 *
 * Without a burst, every request starts at once.
 */
export function createTurns({ now = () => performance.now(), endOfTurn = setImmediate }: TurnsParts = {}) {
  const line: (() => void)[] = []
  /** How many have started since a turn was last seen to end. */
  let started = 0
  let heldSince = 0
  let scheduled = 0

  const isOver = (): boolean => started >= fewest && now() - heldSince >= shareMs
  function endTurn(): void {
    started = 0
  }
  function schedule(): void {
    // Each has a callback of its own: then everything that it does before its first wait counts.
    for (let more = Math.min(line.length, startedAtOnce) - scheduled; more > 0; more--) {
      endOfTurn(scheduled === 0 ? startFirst : startNext)
      scheduled += 1
    }
  }
  function startFirst(): void {
    heldSince = now()
    startNext()
  }
  function startNext(): void {
    scheduled -= 1
    if (now() - heldSince < shareMs) line.shift()?.()
    if (scheduled === 0) schedule()
  }

  return (work: () => void): void => {
    if (line.length > 0 || isOver()) {
      line.push(work)
      schedule()
      return
    }
    started += 1
    if (started === fewest) {
      heldSince = now()
      endOfTurn(endTurn)
    }
    work()
  }
}
