import { createServer as createHttpServer, IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Express } from 'express'
import { systemRandom } from '../kernel/ids.ts'
import type { HeaderList } from './headers.ts'

export type VinculumServer = {
  readonly http: Server
  listen(port: number, host?: string): Promise<AddressInfo>
  /**
   * Stops accepting, closes idle connections, lets what is in flight finish with `Connection: close`; after
   * `graceSeconds` whatever is left is cut.
   */
  close(graceSeconds: number): Promise<void>
}

type Constructor<T> = new (...given: never[]) => T

/**
 * Express gives every request and response a prototype of its own (`Object.setPrototypeOf`), which makes them slow
 * objects that outlive the young generation: half the throughput. Created with that prototype from the start, the
 * call changes nothing. Node's constructors are functions and may be called on what is already there.
 */
function bornAs<T extends object>(parent: Constructor<T>, prototype: object): Constructor<T> {
  const construct = parent as unknown as (this: object, first: unknown, second: unknown) => void
  function Born(this: object, first: unknown, second: unknown): void {
    construct.call(this, first, second)
  }
  Born.prototype = prototype
  return Born as unknown as Constructor<T>
}

/**
 * The app behind node:http, with limits on time and size that hold before any of our code runs. `headers` are those of
 * every answer, for what never becomes a request.
 */
export function createServer(app: Express, headers: HeaderList): VinculumServer {
  const http = createHttpServer(
    {
      IncomingMessage: bornAs<IncomingMessage>(IncomingMessage, app.request) as typeof IncomingMessage,
      ServerResponse: bornAs<ServerResponse>(ServerResponse, app.response) as typeof ServerResponse,
      // The app refuses what has no Host, and expectations we do not know, with the headers of any answer.
      requireHostHeader: false,
      maxHeaderSize: 16_384,
      // Slow senders hold a connection, never more than this long.
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      connectionsCheckingInterval: 5_000,
      // Longer than proxies keep theirs (60 s): whoever closes first must not be us, in the middle of their request.
      keepAliveTimeout: 65_000,
    },
    app,
  )
  http.maxHeadersCount = 100
  http.on('checkExpectation', app)
  http.on('clientError', refuseUnreadable(headers))

  return {
    http,
    listen: (port, host) =>
      new Promise((resolve, reject) => {
        http.once('error', reject)
        http.listen(port, host, () => {
          http.off('error', reject)
          resolve(http.address() as AddressInfo)
        })
      }),
    close: (graceSeconds) =>
      new Promise((resolve) => {
        // Answers in flight share this prototype: from now on each says that its connection ends with it.
        const { writeHead } = app.response
        app.response.writeHead = function (this: ServerResponse, ...given: unknown[]) {
          this.shouldKeepAlive = false
          return Reflect.apply(writeHead, this, given) as ServerResponse
        } as typeof app.response.writeHead
        const sweeping = setInterval(() => http.closeIdleConnections(), 100)
        const cutting = setTimeout(() => http.closeAllConnections(), graceSeconds * 1000)
        http.close(() => {
          clearInterval(sweeping)
          clearTimeout(cutting)
          resolve()
        })
        http.closeIdleConnections()
      }),
  }
}

const unreadable: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/** What is not HTTP never becomes a request; it is still answered like one. */
function refuseUnreadable(headers: HeaderList): (error: Error & { code?: string }, socket: Socket) => void {
  const lines: string[] = []
  for (let at = 0; at < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`)
  return (error, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    socket.end(
      [
        `HTTP/1.1 ${unreadable[error.code ?? ''] ?? '400 Bad Request'}`,
        ...lines,
        'Connection: close',
        'Content-Length: 0',
        `X-Request-Id: req_${systemRandom(16).toString('hex')}`,
        '\r\n',
      ].join('\r\n'),
    )
  }
}
