import type { Fact } from '../events/catalogue.ts'
import { Limit, requestLimit, whenOver, withinLimit } from '../kernel/limit.ts'
import { busy } from './not-now.ts'

/** How long one transaction may take, in milliseconds: it has the facts of several requests, and the limit of none. */
const countingMs = 5000

type Gathering = { readonly facts: Fact[]; readonly written: Promise<void> }

/**
 * Counts facts in shared entries, with one transaction at a time for each entry: facts that arrive during one are
 * written together by the next. Transactions of one entry wait for each other in the database. With one for each fact,
 * anyone who causes many refusals would fill the pool with connections that only wait.
 */
export function createCounting(write: (facts: readonly Fact[], entry: string) => Promise<void>) {
  const gatherings = new Map<string, Gathering>()
  const underWay = new Map<string, Promise<void>>()

  function gather(entry: string): Gathering {
    const facts: Fact[] = []
    const written = (underWay.get(entry) ?? Promise.resolve()).then(() => {
      gatherings.delete(entry)
      return withinLimit(new Limit(countingMs), () => write(facts, entry))
    })
    const over = (): void => {
      if (underWay.get(entry) === settled) underWay.delete(entry)
    }
    const settled = written.then(over, over)
    underWay.set(entry, settled)
    const gathering = { facts, written }
    gatherings.set(entry, gathering)
    return gathering
  }

  /** Resolves once the fact is counted. Rejects with a `BusyError` when the limit of the request is over before. */
  return (fact: Fact, entry: string): Promise<void> => {
    const { facts, written } = gatherings.get(entry) ?? gather(entry)
    facts.push(fact)
    const limit = requestLimit()
    if (!limit) return written
    return new Promise((resolve, reject) => {
      const endWatch = whenOver(limit, false, () => reject(busy('contended')))
      void written.then(resolve, reject).finally(endWatch)
    })
  }
}
