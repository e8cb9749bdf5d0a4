/**
 * Every request to the sandbox providers, in order. Tests in the same process see raw values; over HTTP secrets are
 * masked.
 */
import type { Endpoint } from './exchange.ts'
import type { ProviderId } from './providers/index.ts'

export type JournalEntry = {
  readonly at: Date
  readonly provider: ProviderId
  readonly endpoint: Endpoint
  readonly method: string
  /** With the provider's prefix, without the query. */
  readonly path: string
  readonly query: Record<string, string>
  readonly headers: Record<string, string | string[] | undefined>
  /** The fields of a form or JSON body. */
  readonly body: Record<string, unknown>
  /** The body as received, for tests of its encoding. */
  readonly raw: string
  /** The response status; 0 if there was none, or the connection was dropped. */
  status: number
}

export type Journal = readonly JournalEntry[] & {
  /** The requests to one provider, or to one of its endpoints. */
  calls(provider: ProviderId, endpoint?: Endpoint): JournalEntry[]
}

const SECRET = new Set([
  'client_secret',
  'code',
  'code_verifier',
  'refresh_token',
  'access_token',
  'token',
  'authorization',
  'cookie',
])

const mask = (value: unknown) => (typeof value === 'string' ? `${value.slice(0, 4)}… (${value.length})` : '…')
const masked = (fields: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, SECRET.has(name) ? mask(value) : value]))

export const maskEntry = ({ raw: _raw, query, headers, body, ...rest }: JournalEntry) => ({
  ...rest,
  query: masked(query),
  headers: masked(headers),
  body: masked(body),
})

export function createJournal() {
  const entries: JournalEntry[] = []
  const calls = (provider: ProviderId, endpoint?: Endpoint) =>
    entries.filter((entry) => entry.provider === provider && (endpoint === undefined || entry.endpoint === endpoint))
  // Not enumerable, so that a journal prints and compares like a plain list.
  const journal: Journal = Object.defineProperty(Object.assign(entries, { calls }), 'calls', { enumerable: false })
  return {
    journal,
    add: (entry: JournalEntry) => void entries.push(entry),
    clear: () => void entries.splice(0),
  }
}
