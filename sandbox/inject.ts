/**
 * Calls a Node request handler with values instead of sockets, so that its response can be stored, changed or followed.
 */
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Answer } from './exchange.ts'

export type Call = {
  method: string
  /** Includes the prefix where the handler is mounted, as in Express's `originalUrl`. */
  url: string
  prefix: string
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}

class CapturedResponse extends ServerResponse {
  readonly #chunks: Buffer[] = []
  #done: () => void = () => {}
  readonly ended = new Promise<void>((resolve) => {
    this.#done = resolve
  })

  override write(chunk: unknown): boolean {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) this.#chunks.push(Buffer.from(chunk))
    return true
  }

  override end(...[chunk]: unknown[]): this {
    this.write(chunk)
    this.#done()
    return this
  }

  answer(): Answer {
    const headers: Record<string, string | string[]> = {}
    for (const [name, value] of Object.entries(this.getHeaders())) {
      if (value === undefined || name === 'content-length' || name === 'transfer-encoding') continue
      headers[name] = typeof value === 'number' ? String(value) : value
    }
    return { status: this.statusCode, headers, body: Buffer.concat(this.#chunks) }
  }
}

export function exchange({ method, url, prefix, headers, body }: Call) {
  const req = Object.assign(new IncomingMessage(new Socket()), { originalUrl: url })
  Object.assign(req.headers, headers)
  req.method = method
  req.url = url.slice(prefix.length) || '/'
  if (body.length > 0) req.push(body)
  req.push(null)
  return { req, res: new CapturedResponse(req) }
}

export async function inject(
  handler: (req: IncomingMessage, res: ServerResponse) => unknown,
  call: Call,
): Promise<Answer> {
  const { req, res } = exchange(call)
  await Promise.race([Promise.resolve(handler(req, res)).then(() => res.ended), res.ended])
  return res.answer()
}
