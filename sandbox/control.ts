/** The sandbox's HTTP API below `/_sandbox/`, for the tour and other processes. Secrets are masked. */
import { type Answer, ENDPOINTS, type Endpoint, empty, fields, json, type ProviderRequest } from './exchange.ts'
import type { Fault, FaultAt } from './faults.ts'
import { type Identity, person } from './identities.ts'
import { maskEntry } from './journal.ts'
import type { Place } from './look-alike.ts'
import { isProvider, lookAlikeOf, PROVIDERS, type ProviderId } from './providers/index.ts'
import type { Sandbox } from './sandbox.ts'

export type Control = (asked: ProviderRequest) => Answer

const KINDS: readonly string[] = [
  'status',
  'hang',
  'slow',
  'drip',
  'html',
  'null',
  'json',
  'truncate-fin',
  'truncate-rst',
  'reset',
  'huge',
  'gzip-bomb',
  'redirect',
  'lost-answer',
  'not-json',
  'split',
  'not-http',
  'id-token',
] satisfies Fault['kind'][]

type Fields = Record<string, unknown>
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isEndpoint = (value: unknown): value is Endpoint => ENDPOINTS.some((endpoint) => endpoint === value)
const isFault = (value: unknown): value is Fault =>
  isFields(value) && typeof value.kind === 'string' && KINDS.includes(value.kind)
const isAt = (value: unknown): value is FaultAt =>
  isFields(value) && isProvider(value.provider) && isEndpoint(value.endpoint)
const text = (value: unknown) => (typeof value === 'string' ? value : undefined)

const wrong = (detail: string) => json(400, { error: 'invalid_request', error_description: detail })

export function createControl(sandbox: Sandbox, places: Record<ProviderId, Place<object, object>>): Control {
  const summary = () => ({
    url: sandbox.url,
    now: sandbox.clock.now().toISOString(),
    as: sandbox.mode.as,
    deny: sandbox.mode.deny,
    identities: sandbox.identities.all().map(({ key, title }) => ({ key, title })),
    switches: sandbox.switches,
    faults: sandbox.faults(),
  })

  const own = Object.assign({}, ...PROVIDERS.map((id) => lookAlikeOf(id).controls?.(places[id])))

  return (asked) => {
    const body = fields(asked.headers, asked.body)
    const { provider } = body
    switch (`${asked.method} ${asked.path}`) {
      case 'GET /':
        return json(200, summary())
      case 'GET /env':
        return json(200, sandbox.env)
      case 'POST /as': {
        const key = text(body.identity)
        if (key === undefined || (key !== 'click' && !sandbox.identities.get(key))) return wrong('identity is unknown')
        sandbox.as(key)
        return json(200, summary())
      }
      case 'POST /deny':
        sandbox.deny(body.on !== false)
        return json(200, summary())
      case 'GET /faults':
        return json(200, sandbox.faults())
      case 'POST /faults':
        if (!isAt(body.at)) return wrong('at must have a provider and an endpoint')
        if (!isFault(body.what)) return wrong(`what.kind must be one of ${KINDS.join(', ')}`)
        sandbox.fault(body.at, body.what)
        return json(201, sandbox.faults())
      case 'DELETE /faults':
        sandbox.clearFaults()
        return empty(204)
      case 'GET /journal': {
        const of = asked.query.get('provider')
        const endpoint = asked.query.get('endpoint')
        const entries = sandbox.journal.filter(
          (entry) => (of === null || entry.provider === of) && (endpoint === null || entry.endpoint === endpoint),
        )
        return json(200, entries.map(maskEntry))
      }
      case 'DELETE /journal':
        sandbox.clearJournal()
        return empty(204)
      case 'POST /clock':
        if (typeof body.advance_seconds !== 'number') return wrong('advance_seconds must be a number')
        sandbox.clock.advance(body.advance_seconds)
        return json(200, summary())
      case 'GET /identities':
        return json(200, sandbox.identities.all())
      case 'POST /identities': {
        const [key, name, email] = [text(body.key), text(body.name), text(body.email)]
        if (key === undefined || name === undefined || email === undefined)
          return wrong('key, name and email are required')
        const plain = person({ key, name, email, verified: body.verified === true })
        const changed = PROVIDERS.filter((id) => isFields(body[id]))
        const overrides = changed.map((id) => [id, { ...Object(Reflect.get(plain, id)), ...Object(body[id]) }])
        const identity: Identity = { ...plain, ...Object.fromEntries(overrides) }
        sandbox.identities.set(identity)
        return json(201, identity)
      }
      case 'POST /switches': {
        for (const [id, values] of Object.entries(body)) {
          if (!isProvider(id) || !isFields(values)) return wrong(`${id} has no switches`)
          const unknown = Object.keys(values).find((name) => !(name in sandbox.switches[id]))
          if (unknown !== undefined) return wrong(`${id} has no switch ${unknown}`)
        }
        for (const [id, values] of Object.entries(body)) {
          if (isProvider(id)) Object.assign(sandbox.switches[id], values)
        }
        return json(200, sandbox.switches)
      }
      case 'POST /kill-refresh-tokens':
      case 'POST /kill-access-tokens': {
        if (!isProvider(provider)) return wrong('provider is unknown')
        const who = text(body.identity)
        const refresh = asked.path === '/kill-refresh-tokens'
        const killed = refresh ? sandbox.killRefreshTokens(provider, who) : sandbox.killAccessTokens(provider, who)
        return json(200, { killed })
      }
      case 'POST /rotate-keys':
        if (!isProvider(provider)) return wrong('provider is unknown')
        sandbox.rotateKeys(provider)
        return empty(204)
      case 'POST /redirect-uris': {
        const uri = text(body.uri)
        if (!isProvider(provider) || uri === undefined) return wrong('provider and uri are required')
        sandbox.allowRedirect(provider, uri)
        return empty(204)
      }
      case 'POST /reset':
        sandbox.reset()
        return empty(204)
      default:
        return own[`${asked.method} ${asked.path}`]?.(body) ?? json(404, { error: 'not_found' })
    }
  }
}
