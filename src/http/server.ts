import {
  createServer as createHttpServer,
  IncomingMessage,
  type Server,
  type ServerOptions,
  ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Express, Request, Response } from 'express'
import type { UnreadableRequests } from './unreadable.ts'

export type VinculumServer = {
  readonly http: Server
  listen(port: number, host?: string): Promise<AddressInfo>
  /**
   * Stops accepting, closes idle connections, and lets running requests finish with `Connection: close`. After
   * `graceSeconds`, closes all remaining connections.
   */
  close(graceSeconds: number): Promise<void>
}

/**
 * Express sets a prototype of its own on every request and response (`Object.setPrototypeOf`). That makes them slow
 * objects that outlive the young generation, and halves throughput. If they are created with that prototype, the call
 * changes nothing. The prototype of a class cannot be replaced, so Express gets the prototypes of these classes.
 *
 * Subclasses are necessary: V8 gives their objects room for the fields that the constructors of Node set. An object that
 * we create and pass to such a constructor has no room. V8 then keeps its fields in a hash table, and each access takes
 * a lookup.
 */
function createClasses(app: Express): Pick<ServerOptions, 'IncomingMessage' | 'ServerResponse'> {
  class AppRequest extends IncomingMessage {}
  class AppResponse<R extends IncomingMessage> extends ServerResponse<R> {}
  app.request = takeOver(AppRequest.prototype, app.request)
  app.response = takeOver(AppResponse.prototype, app.response)
  return { IncomingMessage: AppRequest, ServerResponse: AppResponse }
}

/** Puts `prototype` in the place of one that Express made for the app. */
function takeOver<P extends object>(prototype: object, made: P): P {
  Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(made))
  return Object.setPrototypeOf(prototype, Object.getPrototypeOf(made)) as P
}

/** How requests are refused that never reach the app. */
export type Refusals = {
  /** A request whose URL cannot be parsed. */
  unroutable(request: Request, response: Response): void
  /**
   * Input that never became a request. Resolves with a whole response, or with `undefined`: only close the connection.
   */
  readonly unreadable: UnreadableRequests
}

type Waits = {
  /**
   * How long a connection may be silent while a response is due or unread, in milliseconds: a client that stops reading
   * would otherwise hold its connection and its response for ever. Longer than any request takes.
   */
  readonly silentMs: number
  /** How long a connection stays open after the refusal of unreadable input, in milliseconds, so that it is received. */
  readonly lingerMs: number
}

/** The app on node:http, with limits on time and size that apply before any of our code runs. */
export function createServer(
  app: Express,
  refusals: Refusals,
  { silentMs, lingerMs }: Waits = { silentMs: 120_000, lingerMs: 5_000 },
): VinculumServer {
  const countBehind = createPipelineLimit()
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    countBehind(request, response)
    // They already have the prototypes that Express would set.
    const [given, answer] = [request as Request, response as Response]
    app(given, answer, () => refusals.unroutable(given, answer))
  }
  const http = createHttpServer(
    {
      ...createClasses(app),
      // The app itself refuses a missing Host and unknown expectations, with the headers of any other response.
      requireHostHeader: false,
      // Four times what the app accepts: up to this size, the app returns an ordinary error (`mount.ts`).
      maxHeaderSize: 65_536,
      // A slow sender holds a connection no longer than this.
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      connectionsCheckingInterval: 5_000,
      // Longer than proxies keep connections (60 s): the proxy must close first, or we would close a connection while
      // it sends a request.
      keepAliveTimeout: 65_000,
    },
    handle,
  )
  // Node silently drops headers beyond this number; the app refuses more than 100.
  http.maxHeadersCount = 200
  http.timeout = silentMs
  http.on('checkExpectation', handle)
  http.on('clientError', refuseUnreadable(refusals, lingerMs))
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
        // Responses in progress share this prototype: from now on, each ends its connection.
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
        // Browsers and load balancers open connections in advance. Node counts a request on such a connection as
        // started.
        for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
      }),
  }
}

/** How many requests may wait behind another one on the same connection before no more is read from it. */
const mostBehind = 100

/**
 * Bounds the requests that one connection sends without waiting for responses (HTTP/1.1 pipelining). Node stops reading
 * only once enough bytes of responses wait, so while the database is locked, a client could pile up requests without
 * end.
 */
function createPipelineLimit() {
  const behind = new WeakMap<Socket, number>()
  return ({ socket }: IncomingMessage, response: ServerResponse): void => {
    // Only the first unanswered request of a connection has the socket for its response.
    if (response.socket !== null) return
    const count = (behind.get(socket) ?? 0) + 1
    behind.set(socket, count)
    // After the bytes that were read: during them, Node reads on after each request.
    if (count >= mostBehind) process.nextTick(() => socket.pause())
    response.once('close', () => {
      const left = (behind.get(socket) ?? 1) - 1
      behind.set(socket, left)
      if (left === mostBehind - 1) socket.resume()
    })
  }
}

/**
 * Input that is not HTTP never becomes a request, but still gets a response. Node watches such a connection no longer,
 * and the peer may keep its half open. Closing at once could reset the connection before the response is read.
 */
const refuseUnreadable =
  ({ unreadable }: Refusals, lingerMs: number) =>
  (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    const closing = setTimeout(() => socket.destroy(), lingerMs).unref()
    socket.once('close', () => clearTimeout(closing))
    unreadable(error.code, socket.remoteAddress ?? '').then(
      (answer) => (answer === undefined ? socket.destroy() : socket.end(answer)),
      () => socket.destroy(),
    )
  }
