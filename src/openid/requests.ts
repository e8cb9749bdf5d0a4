/**
 * Requests to URLs that come from applications: logout notices, their keys and their metadata. Anyone who registers an
 * application chooses such a URL, so it must not lead into the private network of the service. All of them share one
 * pool of connections. Redirects are never followed.
 */
import { BusyError } from '../kernel/busy.ts'
import { untimed } from '../kernel/limit.ts'
import { Deadline } from '../providers/calls/deadline.ts'
import { type createOutbound, type Pool, PrivateAddressError } from '../providers/calls/outbound.ts'

/** How long an application may take to respond completely, in milliseconds. */
const deadlineMs = 5000
/** How many requests for one purpose are made at the same time. */
const mostAtOnce = 32
/** How many of them go to one origin. */
const mostToOrigin = 4

/** Up to this many bytes of a body without meaning are received, so that the connection can be used again. */
const unreadBytes = 16_384

type Outgoing = {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** How much of the body is read, in bytes; a longer one is a failure. `0`: the body has no meaning. */
  readonly mostBytes: number
}
export type RequestResult =
  | {
      readonly tag: 'answered'
      readonly status: number
      readonly type: string
      readonly cacheControl: string
      readonly text: string
    }
  | {
      readonly tag: 'failed'
      readonly reason: 'timeout' | 'unreachable' | 'private_address' | 'too_large'
    }
export type Requests = ReturnType<typeof createRequests>

type RequestsParts = {
  readonly outbound: Pick<ReturnType<typeof createOutbound>, 'open' | 'load' | 'close'>
  readonly reach: Parameters<ReturnType<typeof createOutbound>['open']>[0]
}

export function createRequests({ outbound, reach }: RequestsParts) {
  let pool: Promise<Pool> | undefined

  async function attempt(url: string, outgoing: Outgoing, deadline: Deadline): Promise<RequestResult> {
    pool ??= outbound.open(reach)
    const { method, headers, body = null, mostBytes } = outgoing
    const response = await (await pool).request(url, {
      method,
      headers: { 'accept-encoding': 'identity', 'user-agent': 'vinculum', ...headers },
      body,
      signal: deadline,
    })
    const pieces: Buffer[] = []
    let length = 0
    // A body that is not read to its end ends with an error, which says nothing new.
    response.body.on('error', () => undefined)
    if (mostBytes === 0) await response.body.dump({ limit: unreadBytes })
    else
      for await (const piece of response.body) {
        const bytes = Buffer.from(piece as Uint8Array)
        length += bytes.length
        if (length > mostBytes) return { tag: 'failed', reason: 'too_large' }
        pieces.push(bytes)
      }
    return {
      tag: 'answered',
      status: response.statusCode,
      type: textOf(response.headers['content-type']).split(';', 1)[0]?.trim().toLowerCase() ?? '',
      cacheControl: textOf(response.headers['cache-control']),
      text: Buffer.concat(pieces).toString('utf8'),
    }
  }

  async function within(url: string, outgoing: Outgoing): Promise<RequestResult> {
    const deadline = new Deadline(deadlineMs)
    try {
      return await untimed(() => attempt(url, outgoing, deadline))
    } catch (error) {
      if (deadline.aborted) return { tag: 'failed', reason: 'timeout' }
      return { tag: 'failed', reason: error instanceof PrivateAddressError ? 'private_address' : 'unreachable' }
    } finally {
      deadline.over()
    }
  }

  return {
    /** Sends one request within the deadline. Why it failed is a word of ours: an error text can name internal hosts. */
    async send(url: string, outgoing: Outgoing): Promise<RequestResult> {
      // Loading the HTTP client does not count against the application.
      await outbound.load()
      return within(url, outgoing)
    },
    close: (): Promise<void> => outbound.close(),
  }
}

/**
 * Requests for one purpose whose number strangers decide. An origin that does not answer uses up neither those to other
 * origins nor those for other purposes. One that is too many is not made, and throws a `BusyError`: that says nothing
 * about the application.
 */
export function limitRequests({ send }: Pick<Requests, 'send'>): Pick<Requests, 'send'> {
  const running = new Map<string, number>()
  let all = 0
  return {
    async send(url, outgoing) {
      const { origin } = new URL(url)
      const toOrigin = running.get(origin) ?? 0
      if (all >= mostAtOnce || toOrigin >= mostToOrigin) throw new BusyError('requests to applications', 1)
      all += 1
      running.set(origin, toOrigin + 1)
      try {
        return await send(url, outgoing)
      } finally {
        all -= 1
        const left = (running.get(origin) ?? 1) - 1
        if (left === 0) running.delete(origin)
        else running.set(origin, left)
      }
    },
  }
}

const textOf = (value: string | string[] | undefined): string =>
  Array.isArray(value) ? value.join(', ') : (value ?? '')
