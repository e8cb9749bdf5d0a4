import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { chance, type Random } from '../kernel/ids.ts'
import { horizonSeconds, mostToCount, roundSize } from './life-cycle.ts'
import type { App, GrantStore } from './ports.ts'
import type { RenewalOutcome } from './renew-leased.ts'

/** How many calls a round has under way to one provider. */
const workers = 20
/** A round starts nothing new after so long: the next one goes on. */
const roundSeconds = 25
/** So many refusals of our own registration, and no success, are enough for one round. */
const mostMisconfigured = 5

type RoundParts = {
  grants: GrantStore
  clock: Clock
  random: Random
  /** Renews one grant that is due; nothing when somebody else is at it. */
  renew: (id: string) => Promise<RenewalOutcome | undefined>
  isClosing: () => boolean
}

/** One scheduled round over what is due of one registration; answers how many were renewed. */
export function createRound({ grants, clock, random, renew, isClosing }: RoundParts) {
  const shuffled = (ids: readonly string[]): string[] =>
    ids
      .map((id) => ({ id, at: chance(random) }))
      .sort((a, b) => a.at - b.at)
      .map(({ id }) => id)

  return async (app: App): Promise<number> => {
    const started = clock()
    const most = roundSize(await grants.dueBy(app, secondsAfter(started, horizonSeconds), mostToCount))
    // In any order: another node's round has the same list.
    const due = shuffled(await grants.due(app, started, most))
    let [renewed, misconfigured, stopped] = [0, 0, false]
    const work = async (): Promise<void> => {
      for (let id = due.pop(); id !== undefined; id = due.pop()) {
        if (stopped || isClosing() || clock() > secondsAfter(started, roundSeconds)) return
        const done = await renew(id)
        if (done?.result === 'refreshed') renewed++
        if (done?.result === 'misconfigured') misconfigured++
        // The rest stays due, and as it is: what failed for these says nothing about those.
        if (done?.everybody || (renewed === 0 && misconfigured >= mostMisconfigured)) stopped = true
      }
    }
    const ends = await Promise.allSettled(Array.from({ length: workers }, work))
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    return renewed
  }
}
