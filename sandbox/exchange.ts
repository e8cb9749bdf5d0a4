/**
 * Requests and responses of the sandbox providers, as plain values. `server.ts` handles bytes and sockets, and
 * `faults.ts` handles faults.
 */
import type { IncomingHttpHeaders } from 'node:http'

export const ENDPOINTS = [
  'authorize',
  'token',
  'userinfo',
  'emails',
  'memberships',
  'revoke',
  'jwks',
  'discovery',
  'sites',
  'jira',
  'other',
] as const
export type Endpoint = (typeof ENDPOINTS)[number]

export type ProviderRequest = {
  readonly method: string
  /** The path below the provider's prefix: `/token`, not `/google/token`. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export type Answer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly body: string | Buffer
}

export const json = (status: number, body: unknown, headers: Answer['headers'] = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', ...headers },
  body: JSON.stringify(body),
})

/** Whether a step ended with a response, instead of the value that the next step needs. */
export const isAnswer = (value: object): value is Answer => 'status' in value && 'body' in value

export const empty = (status: number): Answer => ({ status, headers: {}, body: '' })

/** Redirects the user's browser: 302 after a GET, 303 after a form was posted. */
export function redirect(request: ProviderRequest, to: URL): Answer {
  const status = request.method === 'POST' ? 303 : 302
  return { status, headers: { location: to.href, 'cache-control': 'no-store' }, body: '' }
}

/** The redirect URI with the provider's parameters added. Its own query parameters are kept. */
export function callback(redirectUri: string, params: Record<string, string | undefined>): URL {
  const url = new URL(redirectUri)
  for (const [name, value] of Object.entries(params)) if (value !== undefined) url.searchParams.append(name, value)
  return url
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The fields of a form or JSON body; empty for anything else and for invalid bodies. */
export function fields(headers: IncomingHttpHeaders, body: Buffer): Record<string, unknown> {
  const text = body.toString('utf8')
  if (text === '') return {}
  if (headers['content-type']?.includes('json')) {
    try {
      const value: unknown = JSON.parse(text)
      return isRecord(value) ? value : {}
    } catch {
      return {}
    }
  }
  return Object.fromEntries(new URLSearchParams(text))
}

/** Reads one text field of the body. Empty counts as absent, as at the real providers. */
export function reader(request: ProviderRequest): (name: string) => string | undefined {
  const all = fields(request.headers, request.body)
  return (name) => {
    const value = all[name]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
}

type Handler = (request: ProviderRequest) => Answer | Promise<Answer>

/**
 * Calls the handler of the endpoint with this path: of the authorization endpoint with any method, of the endpoints for
 * tokens and revocations with POST, and of all others with GET.
 */
export function routed<Path extends Partial<Record<Endpoint, string>>>(
  paths: Path,
  handlers: Partial<Record<keyof Path & Endpoint, Handler>>,
  otherwise: Handler,
): Handler {
  return (request) => {
    const endpoint = ENDPOINTS.find((one) => paths[one] === request.path)
    const method = endpoint === 'token' || endpoint === 'revoke' ? 'POST' : 'GET'
    const handler = endpoint && handlers[endpoint]
    return handler && (endpoint === 'authorize' || request.method === method) ? handler(request) : otherwise(request)
  }
}

export function bearer(request: ProviderRequest): string | undefined {
  return /^(?:bearer|token) +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
}

/** HTTP Basic as in RFC 6749 section 2.3.1: client ID and secret are form-encoded before they are joined. */
export function basic(request: ProviderRequest): { id: string; secret: string } | undefined {
  const encoded = /^basic +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
  if (encoded === undefined) return undefined
  const [id = '', ...rest] = Buffer.from(encoded, 'base64').toString('utf8').split(':')
  const decode = (text: string) => {
    try {
      return decodeURIComponent(text.replaceAll('+', ' '))
    } catch {
      return text
    }
  }
  return { id: decode(id), secret: decode(rest.join(':')) }
}

export const words = (text: string | null | undefined): string[] => (text ?? '').split(/[ ,]+/).filter(Boolean)
