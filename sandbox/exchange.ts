/**
 * What a look-alike is asked and what it answers, as plain values. Bytes, sockets and faults belong to `server.ts` and
 * `faults.ts`; a provider only ever turns an `Asked` into an `Answer`.
 */
import type { IncomingHttpHeaders } from 'node:http'

export const PROVIDERS = ['google', 'github', 'atlassian', 'oidc', 'oauth2'] as const
export type ProviderId = (typeof PROVIDERS)[number]
export const isProvider = (text: unknown): text is ProviderId => PROVIDERS.some((provider) => provider === text)

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

export type Asked = {
  readonly method: string
  /** Below the provider's prefix: `/token`, not `/google/token`. */
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

export const empty = (status: number): Answer => ({ status, headers: {}, body: '' })

/** A person's browser is sent on: 302 after a GET, 303 after the consent form was posted. */
export function redirect(asked: Asked, to: URL): Answer {
  const status = asked.method === 'POST' ? 303 : 302
  return { status, headers: { location: to.href, 'cache-control': 'no-store' }, body: '' }
}

/** The callback address with what the provider adds; what the redirect URI already carried stays. */
export function callback(redirectUri: string, params: Record<string, string | undefined>): URL {
  const url = new URL(redirectUri)
  for (const [name, value] of Object.entries(params)) if (value !== undefined) url.searchParams.append(name, value)
  return url
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The fields of a form or JSON body; anything else, and anything broken, has none. */
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

/** One text field of the body, or `undefined`: an empty one counts as absent, as it does at the real providers. */
export function reader(asked: Asked): (name: string) => string | undefined {
  const all = fields(asked.headers, asked.body)
  return (name) => {
    const value = all[name]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
}

export function bearer(asked: Asked): string | undefined {
  return /^(?:bearer|token) +(\S+)$/i.exec(asked.headers.authorization ?? '')?.[1]
}

/** HTTP Basic as RFC 6749 section 2.3.1 wants it: id and secret were form-url-encoded before they were joined. */
export function basic(asked: Asked): { id: string; secret: string } | undefined {
  const encoded = /^basic +(\S+)$/i.exec(asked.headers.authorization ?? '')?.[1]
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
