import type { Fact } from '../events/catalogue.ts'
import { insteadOfRequestLimit, Limit } from '../kernel/limit.ts'
import { withinRequest } from './availability.ts'

/**
 * How long one transaction may take, in milliseconds. It writes facts of several requests, so it has the limit of none.
 */
const countingMs = 5000

type FactBatch = { readonly facts: Fact[]; readonly written: Promise<void> }

/**
 * Counts facts in shared audit log entries, with one transaction at a time for each entry. Facts that arrive during one
 * are written together by the next. Transactions on one entry wait for each other in the database. With one for each
 * fact, anyone who causes many refusals would fill the pool with connections that only wait.
 */
export function createCounting(write: (facts: readonly Fact[], entry: string) => Promise<void>) {
  const gatherings = new Map<string, FactBatch>()
  const underWay = new Map<string, Promise<void>>()

  function gather(entry: string): FactBatch {
    const facts: Fact[] = []
    const written = (underWay.get(entry) ?? Promise.resolve()).then(() => {
      gatherings.delete(entry)
      return insteadOfRequestLimit(new Limit(countingMs), () => write(facts, entry))
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

  /**
   * Resolves once the fact is counted. Rejects with a `BusyError` if the time limit of the request ends before that.
   */
  return (fact: Fact, entry: string): Promise<void> => {
    const { facts, written } = gatherings.get(entry) ?? gather(entry)
    facts.push(fact)
    return withinRequest(written)
  }
}
