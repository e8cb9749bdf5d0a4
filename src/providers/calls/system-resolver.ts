import { type LookupAddress, lookup } from 'node:dns'
import type { Resolver } from './outbound.ts'

/**
 * Resolves names as the system does, also with `/etc/hosts`. A lookup occupies one of two threads of the process until
 * the system gives up, long after the deadline of the call. Callers that ask for one name at the same time therefore
 * share one lookup. If each had its own, a name whose DNS servers do not answer would delay all others for minutes: the
 * names of other providers, and of the database.
 *
 * @param ask for tests
 */
export const createSystemResolver = (ask: Resolver = lookup): Resolver => {
  const asked = new Map<string, Parameters<Resolver>[2][]>()
  return (host, options, done) => {
    const question = JSON.stringify([host, options.family ?? 0, options.hints ?? 0])
    const waiting = asked.get(question)
    if (waiting) {
      waiting.push(done)
      return
    }
    const all = [done]
    asked.set(question, all)
    ask(host, options, (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => {
      asked.delete(question)
      for (const each of all) each(error, error ? [] : addresses)
    })
  }
}
