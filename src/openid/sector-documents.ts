import { applicationLimits } from '../applications/policy.ts'
import type { Requests } from './requests.ts'

/** As many bytes as the longest list of redirect URIs that an application can register has, and some of others. */
const mostBytes = 4 * applicationLimits.uris * applicationLimits.uriLength

/**
 * Reads the list of redirect URIs at a `sector_identifier_uri` (OpenID Connect Core §8.1), through the guard against
 * private addresses. `undefined` if there is no such list.
 */
export const createSectorDocuments =
  ({ send }: Pick<Requests, 'send'>) =>
  async (uri: string): Promise<readonly string[] | undefined> => {
    const result = await send(uri, { method: 'GET', headers: { accept: 'application/json' }, mostBytes })
    if (result.tag === 'failed' || result.status !== 200) return undefined
    try {
      const content: unknown = JSON.parse(result.text)
      return Array.isArray(content) && content.every((one) => typeof one === 'string') ? content : undefined
    } catch {
      return undefined
    }
  }
