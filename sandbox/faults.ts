/**
 * Faults of the network and of providers. A fault applies to one endpoint. It replaces the response, damages its bytes,
 * or changes its content.
 *
 * Faults that replace it (`status`, `hang`, `html`, `null`, `json`, `reset`, `huge`, `gzip-bomb`, `redirect`,
 * `not-http`) come before the provider: it never receives the request, and no code is used up. All others come after
 * it: the request was processed, the code used and the token rotated, and only the response is damaged.
 */
import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { type Answer, type Endpoint, json } from './exchange.ts'
import type { ProviderId } from './providers/index.ts'

export type Fault =
  | { kind: 'status'; status: number; body?: unknown; headers?: Record<string, string> }
  /** Accepts the connection, but never responds. */
  | { kind: 'hang' }
  | { kind: 'slow'; ms: number }
  /** Responds once a program in the same process allows it. */
  | { kind: 'held'; until: Promise<unknown> }
  /** Sends one byte every 100 ms. */
  | { kind: 'drip'; ms?: number }
  /**
   * 200 with an HTML page instead of JSON. It contains `access_token=`, which a lenient parser would read as a token.
   */
  | { kind: 'html' }
  | { kind: 'null' }
  | { kind: 'json'; body: unknown }
  | { kind: 'truncate-fin' }
  | { kind: 'truncate-rst' }
  /** Closes the connection before any header. */
  | { kind: 'reset' }
  /** Streams until the reader stops, at most 64 MB. */
  | { kind: 'huge' }
  /** About 32 KB on the wire, 32 MB in memory. */
  | { kind: 'gzip-bomb' }
  | { kind: 'redirect'; to: string; status?: 301 | 302 | 303 | 307 | 308 }
  /** Processes the request, then drops the connection before the response. */
  | { kind: 'lost-answer' }
  /** Pauses in the middle of the first non-ASCII character; headers and content are valid. */
  | { kind: 'split' }
  /** Sends bytes that are not HTTP. */
  | { kind: 'not-http' }
  /** Sends half of the JSON, with the original content length. */
  | { kind: 'not-json' }
  /**
   * Changes claims of the id_token, or of a signed UserInfo response, and signs it again (`null` removes a claim). The
   * header can name another algorithm or an unknown key.
   */
  | {
      kind: 'id-token'
      claims?: Record<string, unknown>
      alg?: 'none' | 'HS256'
      kid?: string
      header?: Record<string, unknown>
    }
  | { kind: 'mutate'; change: (body: Record<string, unknown>) => unknown }

export type FaultAt = {
  provider: ProviderId
  endpoint: Endpoint
  /** How many requests it affects. Without it, all until cleared. */
  times?: number
  /** Affects only the nth matching request from now on, starting at 1. */
  nth?: number
}

const REPLACING = new Set<Fault['kind']>([
  'status',
  'hang',
  'html',
  'null',
  'json',
  'reset',
  'huge',
  'gzip-bomb',
  'redirect',
  'not-http',
])

export const replaces = (fault: Fault) => REPLACING.has(fault.kind)

export function createFaults() {
  let set: { at: FaultAt; what: Fault; seen: number; used: number }[] = []
  return {
    set: (at: FaultAt, what: Fault) => void set.push({ at, what, seen: 0, used: 0 }),
    clear(provider?: ProviderId) {
      set = provider === undefined ? [] : set.filter(({ at }) => at.provider !== provider)
    },
    list: () => set.map(({ at, what, used }) => ({ at, what, used })),
    /** The fault for this request, the earliest first. The request also counts for all other faults of the endpoint. */
    take(provider: ProviderId, endpoint: Endpoint): Fault | undefined {
      const here = set.filter(({ at }) => at.provider === provider && at.endpoint === endpoint)
      for (const fault of here) fault.seen += 1
      const due = here.find(
        ({ at, seen, used }) =>
          (at.nth === undefined || seen === at.nth) && (at.times === undefined || used < at.times),
      )
      if (due !== undefined) due.used += 1
      return due?.what
    },
  }
}
export type Faults = ReturnType<typeof createFaults>

export function send(res: ServerResponse, answer: Answer, body: string | Buffer = answer.body) {
  if (res.destroyed) return
  const length = answer.status === 204 ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  res.writeHead(answer.status, { ...answer.headers, ...length })
  res.end(body)
}

/** Sends headers for the whole body, and then half of it. */
function half(res: ServerResponse, answer: Answer, then: () => void) {
  const body = Buffer.from(answer.body)
  res.writeHead(answer.status, { ...answer.headers, 'content-length': String(Math.max(2, body.length)) })
  res.write(body.subarray(0, Math.max(1, body.length >> 1)), () => setTimeout(then, 20))
}

const HUGE_BYTES = 64 * 1024 * 1024
const CHUNK = Buffer.alloc(64 * 1024, 'a')

function flood(res: ServerResponse) {
  res.writeHead(200, { 'content-type': 'application/json' })
  let sent = 0
  res.write('{"padding":"')
  const more = () => {
    while (sent < HUGE_BYTES && !res.destroyed) {
      sent += CHUNK.length
      if (!res.write(CHUNK)) {
        res.once('drain', more)
        return
      }
    }
    if (!res.destroyed) res.end('"}')
  }
  more()
}

let bomb: Buffer | undefined
const gzipBomb = () => {
  bomb ??= gzipSync(`{"padding":"${'a'.repeat(32 * 1024 * 1024)}"}`)
  return bomb
}

const HTML = `<!doctype html><html><head><title>Service unavailable</title></head>
<body><a href="/retry?access_token=not-a-token&token_type=bearer">Try again</a></body></html>`

/** Sends the response with the fault applied. Timers end with the connection, so that nothing outlives the sandbox. */
export function spoil(res: ServerResponse, fault: Fault, answer: Answer | undefined) {
  const whole = answer ?? json(200, {})
  switch (fault.kind) {
    case 'status': {
      const text = typeof fault.body === 'string'
      if (fault.body === undefined) return send(res, { status: fault.status, headers: { ...fault.headers }, body: '' })
      const type = text ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8'
      const body = text ? String(fault.body) : JSON.stringify(fault.body)
      return send(res, { status: fault.status, headers: { 'content-type': type, ...fault.headers }, body })
    }
    case 'hang':
      return
    case 'slow': {
      const timer = setTimeout(() => send(res, whole), fault.ms)
      res.once('close', () => clearTimeout(timer))
      return
    }
    case 'held':
      void fault.until.then(() => send(res, whole))
      return
    case 'drip': {
      const body = Buffer.from(whole.body)
      let at = 0
      res.writeHead(whole.status, { ...whole.headers, 'content-length': String(body.length) })
      res.flushHeaders()
      const timer = setInterval(() => {
        if (at < body.length) res.write(body.subarray(at, ++at))
        else {
          clearInterval(timer)
          res.end()
        }
      }, fault.ms ?? 100)
      res.once('close', () => clearInterval(timer))
      return
    }
    case 'html':
      return send(res, { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: HTML })
    case 'null':
      return send(res, json(200, null))
    case 'json':
      return send(res, json(200, fault.body))
    case 'truncate-fin':
      return half(res, whole, () => res.socket?.end())
    case 'truncate-rst':
      return half(res, whole, () => res.socket?.resetAndDestroy())
    case 'reset':
    case 'lost-answer':
      res.socket?.destroy()
      return
    case 'huge':
      return flood(res)
    case 'gzip-bomb': {
      const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
      return send(res, { status: 200, headers, body: gzipBomb() })
    }
    case 'redirect':
      return send(res, { status: fault.status ?? 302, headers: { location: fault.to }, body: '' })
    case 'split': {
      const body = Buffer.from(whole.body)
      const at = body.findIndex((byte) => byte > 0x7f) + 1
      res.writeHead(whole.status, { ...whole.headers, 'content-length': String(body.length) })
      res.write(body.subarray(0, at))
      const timer = setTimeout(() => res.end(body.subarray(at)), 30)
      res.once('close', () => clearTimeout(timer))
      return
    }
    case 'not-http':
      res.socket?.end('This is not HTTP.\r\n\r\n')
      return
    case 'not-json': {
      const body = Buffer.from(whole.body)
      return send(res, whole, body.subarray(0, Math.max(1, body.length >> 1)))
    }
    case 'mutate':
    case 'id-token':
      return send(res, whole)
  }
}
