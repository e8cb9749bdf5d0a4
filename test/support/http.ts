/** The HTTP client of the tests. They send some hundred thousand requests, and `fetch` takes longer than the service. */
import { Agent, request } from 'node:http'

export type Received = { readonly status: number; readonly headers: Headers; readonly text: string }

const agent = new Agent({ keepAlive: true })
/** What `fetch` sends by itself. */
const usual: readonly (readonly [name: string, value: string])[] = [
  ['accept', '*/*'],
  ['accept-language', '*'],
  ['sec-fetch-mode', 'cors'],
  ['user-agent', 'node'],
]
const formType = 'application/x-www-form-urlencoded;charset=UTF-8'

/** Like `fetch`, which makes the requests that are not for HTTP without redirects, or whose body is not at hand. */
export async function receive(input: Parameters<typeof fetch>[0], init: RequestInit = {}): Promise<Received> {
  const { method = 'GET', body, redirect, signal } = init
  const isAtHand = body == null || typeof body === 'string' || body instanceof URLSearchParams
  if (input instanceof Request || redirect !== 'manual' || signal || !isAtHand) {
    const response = await fetch(input, init)
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
  const headers = new Headers(init.headers)
  for (const [name, value] of usual) if (!headers.has(name)) headers.set(name, value)
  if (body != null && !headers.has('content-type'))
    headers.set('content-type', typeof body === 'string' ? 'text/plain;charset=UTF-8' : formType)
  const sent = { to: new URL(input), method: method.toUpperCase(), headers, body: body == null ? '' : String(body) }
  return exchange(sent).catch((cause: unknown) => {
    throw new TypeError('fetch failed', { cause })
  })
}

type Sent = { readonly to: URL; readonly method: string; readonly headers: Headers; readonly body: string }

async function exchange(sent: Sent): Promise<Received> {
  const { to, method, headers, body } = sent
  const length = body === '' && method === 'GET' ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  return new Promise((resolve, reject) => {
    const asking = request(to, { method, agent, headers: { ...Object.fromEntries(headers), ...length } })
    asking.on('error', (error: NodeJS.ErrnoException) => {
      // The server closed a connection just when it was used again.
      if (asking.reusedSocket && error.code === 'ECONNRESET') resolve(exchange(sent))
      else reject(error)
    })
    asking.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, headers: headersOf(response.rawHeaders), text })
      })
    })
    asking.end(body)
  })
}

function headersOf(raw: readonly string[]): Headers {
  const headers = new Headers()
  for (let at = 0; at < raw.length; at += 2) headers.append(raw[at] ?? '', raw[at + 1] ?? '')
  return headers
}

/** The same for a visitor (`demo/visitor.ts`). */
export async function sendLean(to: URL, init: RequestInit) {
  const { status, headers, text } = await receive(to, init)
  return { status, headers, text: async () => text }
}
