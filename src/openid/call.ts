/**
 * Calls the engine in plain values, so that the frame of `http/` stays the only server: it counts, limits, logs and
 * answers every request of the service in one way.
 */
import { IncomingMessage, type OutgoingHttpHeader, ServerResponse } from 'node:http'
import { Socket } from 'node:net'

export type EngineRequest = {
  readonly method: 'GET' | 'POST'
  /** The path, with its query. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** The text of a form. */
  readonly form?: string
}
export type EngineResponse = {
  readonly status: number
  readonly location: string | null
  readonly type: string
  readonly body: string
}

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

/** How long the engine may take, in milliseconds: each of its reads and writes has a limit of its own. */
const mostMs = 30_000

/**
 * Sends a request to the engine and returns its response. `attach` is called with the request object before it is
 * handled. Cookies that the engine sets are dropped: the browser has one session, and it is ours.
 */
export function callEngine(
  handler: Handler,
  publicUrl: URL,
  { method, path, headers = {}, form }: EngineRequest,
  attach: (request: IncomingMessage) => void,
): Promise<EngineResponse> {
  const request = new IncomingMessage(new Socket())
  request.method = method
  request.url = path
  request.headers = {
    host: publicUrl.host,
    'x-forwarded-proto': publicUrl.protocol.slice(0, -1),
    accept: 'application/json',
    ...headers,
    ...(form === undefined
      ? {}
      : {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': String(Buffer.byteLength(form)),
        }),
  }
  if (form !== undefined) request.push(form)
  request.push(null)
  attach(request)
  const response = new ServerResponse(request)
  return new Promise((resolve, reject) => {
    // The query may contain a state or a token.
    const [endpoint] = path.split('?')
    const timer = setTimeout(() => reject(new Error(`the OpenID engine did not answer ${method} ${endpoint}`)), mostMs)
    const pieces: Buffer[] = []
    const keep = (piece: unknown): void => {
      if (typeof piece === 'string' || piece instanceof Uint8Array) pieces.push(Buffer.from(piece))
    }
    response.write = (piece: unknown): boolean => {
      keep(piece)
      return true
    }
    response.end = (piece?: unknown): ServerResponse => {
      keep(piece)
      clearTimeout(timer)
      resolve({
        status: response.statusCode,
        location: textOf(response.getHeader('location')),
        type: textOf(response.getHeader('content-type')) ?? '',
        body: Buffer.concat(pieces).toString(),
      })
      return response
    }
    Promise.resolve(handler(request, response)).catch((thrown: unknown) => {
      clearTimeout(timer)
      reject(thrown)
    })
  })
}

const textOf = (value: OutgoingHttpHeader | undefined): string | null =>
  value === undefined ? null : Array.isArray(value) ? value.join(', ') : String(value)
