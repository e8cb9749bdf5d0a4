import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { chance, type Random } from '../kernel/ids.ts'
import { horizonSeconds, mostToCount, roundSize } from './life-cycle.ts'
import type { App, GrantStore } from './ports.ts'
import type { RenewalOutcome } from './renew-leased.ts'

/** How many concurrent calls a round makes to one provider. */
const workers = 20
/** A round starts nothing new after this time; the next round continues. */
const roundSeconds = 25
/** After so many rejections of our client registration without a success, the round ends. */
const mostMisconfigured = 5

type RoundParts = {
  grants: GrantStore
  clock: Clock
  random: Random
  /** Renews one due grant; does nothing if another worker holds it. */
  renew: (id: string) => Promise<RenewalOutcome | undefined>
  isClosing: () => boolean
}

/** One scheduled round over the due grants of one client registration. Returns how many were renewed. */
export function createRound({ grants, clock, random, renew, isClosing }: RoundParts) {
  const shuffled = (ids: readonly string[]): string[] =>
    ids
      .map((id) => ({ id, at: chance(random) }))
      .sort((a, b) => a.at - b.at)
      .map(({ id }) => id)

  return async (app: App): Promise<number> => {
    const started = clock()
    const most = roundSize(await grants.dueBy(app, secondsAfter(started, horizonSeconds), mostToCount))
    // In random order: other nodes have the same list.
    const due = shuffled(await grants.due(app, started, most))
    let [renewed, misconfigured, stopped] = [0, 0, false]
    const work = async (): Promise<void> => {
      for (let id = due.pop(); id !== undefined; id = due.pop()) {
        if (stopped || isClosing() || clock() > secondsAfter(started, roundSeconds)) return
        const done = await renew(id)
        if (done?.result === 'refreshed') renewed++
        if (done?.result === 'misconfigured') misconfigured++
        // The rest stays due and unchanged: these failures say nothing about those grants.
        if (done?.everybody || (renewed === 0 && misconfigured >= mostMisconfigured)) stopped = true
      }
    }
    const ends = await Promise.allSettled(Array.from({ length: workers }, work))
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    return renewed
  }
}
