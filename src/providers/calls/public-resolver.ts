import { promises as dns, type LookupAddress } from 'node:dns'
import type { Resolver } from './outbound.ts'

/** How long one server may take to answer, in milliseconds. It is asked twice, the second time for twice as long. */
const answerMs = 1000

/**
 * Resolves public names by asking the DNS servers of this machine. The resolver of the system (`dns.lookup`) would
 * occupy a thread until it gives up, long after the deadline of the call: names whose servers do not answer would then
 * delay the calls to all providers, because they share two such threads. It does not read `/etc/hosts`.
 *
 * @param servers `host:port`, for tests
 */
export const createPublicResolver =
  (servers?: readonly string[]): Resolver =>
  (host, { family }, done) => {
    // A new one for each name: it reads which servers the machine uses now.
    const resolver = new dns.Resolver({ timeout: answerMs, tries: 2 })
    if (servers) resolver.setServers(servers)
    const ask = async (version: 4 | 6): Promise<LookupAddress[]> => {
      if (family !== undefined && family !== 0 && Number(String(family).replace('IPv', '')) !== version) return []
      const found = await (version === 4 ? resolver.resolve4(host) : resolver.resolve6(host))
      return found.map((address) => ({ address, family: version }))
    }
    void Promise.allSettled([ask(4), ask(6)]).then((answers) => {
      const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
      const failure = answers.find((answer) => answer.status === 'rejected')
      if (addresses.length > 0) done(null, addresses)
      else done(failure?.reason ?? Object.assign(new Error(`no address of ${host}`), { code: 'ENOTFOUND' }), [])
    })
  }
