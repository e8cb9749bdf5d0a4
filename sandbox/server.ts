/** The HTTP server: reads and records a request, calls the provider, and applies faults to the response. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { decodeJwt } from 'jose'
import { page } from './consent.ts'
import type { Control } from './control.ts'
import { type Answer, ENDPOINTS, type Endpoint, fields, json, type ProviderRequest } from './exchange.ts'
import { type Fault, type Faults, replaces, send, spoil } from './faults.ts'
import { forge, isIdToken, sign } from './id-token.ts'
import type { createJournal, JournalEntry } from './journal.ts'
import type { Behavior, Place } from './look-alike.ts'
import { isProvider, lookAlikeOf, PROVIDERS, type ProviderId } from './providers/index.ts'

const MOST_BYTES = 1024 * 1024

async function read(req: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of req) {
    size += chunk.length
    if (size > MOST_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Applies faults that change the content of a response, before its bytes are sent. */
async function changeContent(place: Place<object, object>, answer: Answer, fault: Fault): Promise<Answer> {
  if (fault.kind !== 'mutate' && fault.kind !== 'id-token') return answer
  if (String(answer.headers['content-type']).startsWith('application/jwt')) {
    const token = answer.body.toString()
    if (!isIdToken(token)) return answer
    if (fault.kind === 'id-token') return { ...answer, body: await forge(place, token, fault) }
    const changed = fault.change(decodeJwt(token))
    return { ...answer, body: await sign(place, Object(changed), {}) }
  }
  if (!String(answer.headers['content-type']).includes('json')) return answer
  const body = JSON.parse(answer.body.toString())
  if (fault.kind === 'mutate') return { ...answer, body: JSON.stringify(fault.change(body)) }
  if (!isIdToken(body.id_token)) return answer
  return { ...answer, body: JSON.stringify({ ...body, id_token: await forge(place, body.id_token, fault) }) }
}

/** The endpoint of a path, for the journal and faults. */
function endpointOf(provider: ProviderId, method: string, path: string): Endpoint {
  const { paths, endpoint } = lookAlikeOf(provider)
  return ENDPOINTS.find((one) => paths[one] === path) ?? endpoint?.(method, path) ?? 'other'
}

export type SandboxServerParts = {
  /** The URL of the sandbox. */
  url: () => string
  now: () => Date
  places: Record<ProviderId, Place<object, object>>
  behaviors: Record<ProviderId, Behavior>
  faults: Faults
  log: ReturnType<typeof createJournal>
  control: Control
}

export function createSandboxServer({ url: origin, now, places, behaviors, faults, log, control }: SandboxServerParts) {
  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = await read(req)
    if (body === undefined) return send(res, json(413, { error: 'too large' }))
    const method = req.method ?? 'GET'
    const url = new URL(req.url ?? '/', origin())
    const [, prefix = '', path = '/'] = /^\/([^/]*)(\/.*)?$/.exec(url.pathname) ?? []
    const request: ProviderRequest = { method, path, query: url.searchParams, headers: req.headers, body }

    if (prefix === '_sandbox') return send(res, control(request))
    if (prefix === '') return send(res, page(200, 'Sandbox', `<p>Look-alikes: ${PROVIDERS.join(', ')}.</p>`))
    if (!isProvider(prefix)) return send(res, json(404, { error: 'not_found' }))

    const endpoint = endpointOf(prefix, method, path)
    const entry: JournalEntry = {
      at: now(),
      provider: prefix,
      endpoint,
      method,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: req.headers,
      body: fields(req.headers, body),
      raw: body.toString('utf8'),
      status: 0,
    }
    log.add(entry)
    res.once('finish', () => {
      entry.status = res.statusCode
    })
    const fault = faults.take(prefix, endpoint)
    if (fault !== undefined && replaces(fault)) return spoil(res, fault, undefined)
    const answer = await behaviors[prefix].answer(request)
    if (fault === undefined) return send(res, answer)
    spoil(res, fault, await changeContent(places[prefix], answer, fault))
  }

  // A client that disconnects is not an error. A bug of ours is, and the caller gets it.
  return createServer((req, res) => {
    res.on('error', () => {})
    serve(req, res).catch((error: unknown) => {
      if (res.headersSent || req.destroyed) return res.destroy()
      send(res, json(500, { error: 'sandbox_failure', error_description: String(error) }))
    })
  })
}
