/** The public keys of applications: those that were registered, or those at a registered URL. */
import { isKeySet } from '../applications/keys.ts'
import { applicationLimits } from '../applications/policy.ts'
import type { Application, ApplicationKeys } from '../applications/ports.ts'
import { whenBusy } from '../kernel/busy.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import type { Requests } from './requests.ts'

/** How long fetched keys are used before they are fetched again. */
const freshSeconds = 600
/** How long they are used while the application's URL does not answer. A withdrawn key is refused after that. */
const staleSeconds = 3600
/** How often a signature with an unknown key, or a failure, may cause another request to the same URL. */
const coolDownSeconds = 30
/** How many URLs are remembered. The one that was fetched first makes room. */
const mostUrls = 200

type Entry = { keys: ApplicationKeys | undefined; fetchedAt: Date; triedAt: Date }

export function createClientKeys({ send, clock }: Pick<Requests, 'send'> & { readonly clock: Clock }) {
  const entries = new Map<string, Entry>()
  const fetching = new Map<string, Promise<ApplicationKeys | undefined>>()

  async function fetchKeys(url: string): Promise<ApplicationKeys | undefined> {
    const result = await send(url, {
      method: 'GET',
      headers: { accept: 'application/jwk-set+json, application/json' },
      mostBytes: applicationLimits.keySetBytes,
    })
    const keys = result.tag === 'answered' && result.status === 200 ? readKeySet(result.text) : undefined
    const now = clock()
    const known = entries.get(url)
    entries.delete(url)
    const [oldest] = entries.keys()
    if (entries.size >= mostUrls && oldest !== undefined) entries.delete(oldest)
    entries.set(
      url,
      keys ? { keys, fetchedAt: now, triedAt: now } : { fetchedAt: now, keys: undefined, ...known, triedAt: now },
    )
    return keys
  }

  /**
   * The keys at a URL. `unknown`: the present ones did not verify a signature, so there may be newer ones. Throws a
   * `BusyError` if they cannot be fetched now for a reason that is not the URL's.
   */
  async function at(url: string, { unknown = false } = {}): Promise<ApplicationKeys | undefined> {
    const now = clock()
    const entry = entries.get(url)
    const mayTry = !entry || now >= secondsAfter(entry.triedAt, coolDownSeconds)
    const isFresh = entry?.keys !== undefined && now < secondsAfter(entry.fetchedAt, freshSeconds)
    const usable = entry?.keys && now < secondsAfter(entry.fetchedAt, staleSeconds) ? entry.keys : undefined
    if ((isFresh && !unknown) || !mayTry) return usable
    const running = fetching.get(url) ?? fetchKeys(url).finally(() => fetching.delete(url))
    fetching.set(url, running)
    return (await (usable ? running.catch(whenBusy(usable)) : running)) ?? usable
  }

  return {
    at,
    of: async (
      { jwks, jwksUri }: Application,
      options?: { readonly unknown?: boolean },
    ): Promise<ApplicationKeys | undefined> => (jwksUri === null ? (jwks ?? undefined) : at(jwksUri, options)),
  }
}
export type ClientKeys = ReturnType<typeof createClientKeys>

/** Keys that we cannot use, such as those for encryption, are left out. */
function readKeySet(text: string): ApplicationKeys | undefined {
  try {
    const content: unknown = JSON.parse(text)
    if (typeof content !== 'object' || content === null || !('keys' in content) || !Array.isArray(content.keys))
      return undefined
    const keys = content.keys.filter((key) => isKeySet({ keys: [key] })).slice(0, applicationLimits.keys)
    return { keys }
  } catch {
    return undefined
  }
}
