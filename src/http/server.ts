import { createServer as createHttpServer, IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Express, Request, Response } from 'express'
import type { Unreadable } from './unreadable.ts'

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

/** How what the app is never given is refused. */
export type Refusals = {
  /** A request whose address cannot be taken apart. */
  unroutable(request: Request, response: Response): void
  /** What never became a request. Answers a whole response, or `undefined`: the connection is only cut. */
  readonly unreadable: Unreadable
}

/** The app behind node:http, with limits on time and size that hold before any of our code runs. */
export function createServer(app: Express, refusals: Refusals): VinculumServer {
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    // What Express makes of them, they are from the beginning.
    const [given, answer] = [request as Request, response as Response]
    app(given, answer, () => refusals.unroutable(given, answer))
  }
  const http = createHttpServer(
    {
      IncomingMessage: bornAs<IncomingMessage>(IncomingMessage, app.request) as typeof IncomingMessage,
      ServerResponse: bornAs<ServerResponse>(ServerResponse, app.response) as typeof ServerResponse,
      // The app refuses what has no Host, and expectations we do not know, with the headers of any answer.
      requireHostHeader: false,
      // Four times what the app takes: within that, too much is answered like any other refusal (`mount.ts`).
      maxHeaderSize: 65_536,
      // Slow senders hold a connection, never more than this long.
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      connectionsCheckingInterval: 5_000,
      // Longer than proxies keep theirs (60 s): whoever closes first must not be us, in the middle of their request.
      keepAliveTimeout: 65_000,
    },
    handle,
  )
  // Node drops what comes after these without a word: the app counts to 100.
  http.maxHeadersCount = 200
  http.on('checkExpectation', handle)
  http.on('clientError', refuseUnreadable(refusals))
  const sockets = new Set<Socket>()
  http.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })

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
        // Browsers and balancers connect ahead of their requests. Node counts a request on such a connection as begun.
        for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
      }),
  }
}

/** What is not HTTP never becomes a request; it is still answered like one. */
const refuseUnreadable =
  ({ unreadable }: Refusals) =>
  (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    unreadable(error.code, socket.remoteAddress ?? '').then(
      (answer) => (answer === undefined ? socket.destroy() : socket.end(answer)),
      () => socket.destroy(),
    )
  }
