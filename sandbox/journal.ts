/** Every request the look-alikes received, in order. In-process everything is raw, since tests assert on it; over HTTP secrets are masked. */
import type { Endpoint, ProviderId } from './exchange.ts'

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
  /** The body as it came, for whoever cares how it was written. */
  readonly raw: string
  /** What was answered; 0 while nothing was, or when the connection was dropped. */
  status: number
}

export type Journal = readonly JournalEntry[] & {
  /** The requests to one provider, or one endpoint of it. */
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

export const shown = ({ raw: _raw, query, headers, body, ...rest }: JournalEntry) => ({
  ...rest,
  query: masked(query),
  headers: masked(headers),
  body: masked(body),
})

export function createJournal() {
  const entries: JournalEntry[] = []
  const calls = (provider: ProviderId, endpoint?: Endpoint) =>
    entries.filter((entry) => entry.provider === provider && (endpoint === undefined || entry.endpoint === endpoint))
  // Not enumerable, so that a journal prints and compares as the list it is.
  const journal: Journal = Object.defineProperty(Object.assign(entries, { calls }), 'calls', { enumerable: false })
  return {
    journal,
    add: (entry: JournalEntry) => void entries.push(entry),
    clear: () => void entries.splice(0),
  }
}
