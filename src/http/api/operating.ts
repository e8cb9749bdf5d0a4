import { z } from 'zod'
import { fail } from '../../errors/catalogue.ts'
import { sameSecret } from '../../kernel/crypto.ts'
import { ok } from '../../kernel/result.ts'
import { arrivalPath } from '../proxies.ts'
import { json, text } from '../reply.ts'
import { route } from '../route.ts'
import type { Services } from '../services.ts'

const common = { method: 'get', tag: 'Operations', surface: 'api', auth: 'none', limit: 'public' } as const

const Health = z
  .object({ status: z.literal('ok').describe('Always `ok`') })
  .meta({ id: 'Health', description: 'The check passed' })

const live = route({
  ...common,
  path: '/health/live',
  limit: 'none',
  summary: 'Check liveness',
  description: 'Responds as long as the process runs. Use it as a liveness probe; it does not look at the database.',
  example: { response: { status: 'ok' } },
  reply: () => Health,
  fails: [],
  handle: () => ok(json({ status: 'ok' as const })),
})

const ready = route({
  ...common,
  path: '/health/ready',
  limit: 'none',
  summary: 'Check readiness',
  description:
    'Responds with 200 when the database is reachable and migrated and the node is not shutting down, and with 503 otherwise. Use it as a readiness probe.',
  reply: () => Health,
  fails: ['not_ready'],
  handle: async (_, { ready: isReady }: Services) =>
    (await isReady()) ? ok(json({ status: 'ok' as const })) : fail('not_ready'),
})

const arrival = route({
  ...common,
  path: arrivalPath,
  summary: 'Show how a request arrives',
  description:
    'The client address, scheme and host of this request, as the proxies in front pass them on. The command `doctor` uses it to check TRUST_PROXY_HOPS.',
  example: {
    response: {
      client: '203.0.113.7',
      peer: '10.0.0.2',
      forwarded_for: ['203.0.113.7'],
      forwarded: false,
      scheme: 'https',
      host: 'id.example.org',
      trust_proxy_hops: 1,
    },
  },
  credential: 'doctor',
  reply: () =>
    z
      .object({
        client: z.string().nullable().describe('The client address that rate limits and the audit log use'),
        peer: z.string().nullable().describe('The address of the peer of the TCP connection'),
        forwarded_for: z.array(z.string()).describe('The values of `X-Forwarded-For`'),
        forwarded: z.boolean().describe('Whether the request has a `Forwarded` header'),
        scheme: z.string().nullable().describe('The value of `X-Forwarded-Proto`'),
        host: z.string().nullable().describe('The host the client asked for'),
        trust_proxy_hops: z.number().describe('The value of TRUST_PROXY_HOPS'),
      })
      .describe('How the request arrived'),
  fails: ['token_invalid'],
  handle({ bearer, origin, proxyChain }, { acceptsDoctor, settings }: Services) {
    // The IP addresses of proxies are not public.
    if (bearer === null || !acceptsDoctor(bearer)) return fail('token_invalid')
    const { peer, forwardedFor, forwarded, scheme, host } = proxyChain
    return ok(
      json({
        client: origin.ip,
        peer,
        forwarded_for: [...forwardedFor],
        forwarded,
        scheme,
        host,
        trust_proxy_hops: settings.trustProxyHops,
      }),
    )
  },
})

const providers = route({
  ...common,
  path: '/health/providers',
  limit: 'browse',
  summary: 'List circuit breakers',
  description:
    'The state of the circuit breaker of each provider and endpoint. While it is open, calls to that endpoint fail at once.',
  example: { response: [{ provider: 'google', endpoint_type: 'token', state: 'closed' }] },
  reply: () =>
    z.array(
      z
        .object({
          provider: z.string().describe('The provider ID'),
          endpoint_type: z.string().describe('The kind of endpoint, such as `token`'),
          state: z.enum(['closed', 'half_open', 'open']).describe('`open`: calls fail at once'),
        })
        .meta({ id: 'CircuitBreaker', description: 'The circuit breaker of one endpoint of a provider' }),
    ),
  fails: [],
  handle: (_, { providers: all }: Services) =>
    ok(
      json(all.health().map(({ provider, endpointType, state }) => ({ provider, endpoint_type: endpointType, state }))),
    ),
})

const metrics = route({
  ...common,
  path: '/metrics',
  limit: 'metrics',
  summary: 'Get metrics',
  description:
    'Metrics in the Prometheus text format. Requires METRICS_TOKEN as a bearer token. If it is not set, only a direct request from the same machine outside production is allowed.',
  example: {
    response: '# TYPE vinculum_accounts_linked_total counter\nvinculum_accounts_linked_total{provider="google"} 3\n',
  },
  contentType: 'text/plain',
  credential: 'metrics',
  fails: ['not_found'],
  // The numbers of sign-ins and failures are not public. 404, so that nobody learns that they exist.
  async handle({ direct, bearer }, { metrics: collected, settings: { metricsToken, production } }: Services) {
    const allowed = metricsToken === null ? direct && !production : bearer !== null && sameSecret(bearer, metricsToken)
    return allowed ? ok(text(collected.contentType, await collected.text())) : fail('not_found')
  },
})

const ofEveryKey = {
  kid: z.string().describe('The key ID, as in the header of a token'),
  use: z.literal('sig').describe('The use of the key: signatures'),
}
const jwks = route({
  ...common,
  shared: true,
  path: '/.well-known/jwks.json',
  summary: 'Get the public keys',
  description:
    'The keys that verify access tokens and id_tokens, as a JWK set (RFC 7517). Cache them, and read them again when a token names an unknown `kid`.',
  tag: 'Tokens',
  reply: () =>
    z
      .object({
        keys: z
          .array(
            z.discriminatedUnion('kty', [
              z.object({
                kty: z.literal('EC').describe('The key type'),
                crv: z.string().describe('The curve, `P-256`'),
                x: z.string().describe('The x coordinate'),
                y: z.string().describe('The y coordinate'),
                ...ofEveryKey,
                alg: z.literal('ES256').describe('The signature algorithm'),
              }),
              z.object({
                kty: z.literal('RSA').describe('The key type, of id_tokens only'),
                n: z.string().describe('The modulus'),
                e: z.string().describe('The exponent'),
                ...ofEveryKey,
                alg: z.literal('RS256').describe('The signature algorithm'),
              }),
            ]),
          )
          .describe('The current keys'),
      })
      .describe('A JWK set'),
  fails: [],
  handle: async (_, { keys }: Services) => ok(json(await keys.jwks())),
})

export const operatingRoutes = [live, ready, arrival, providers, metrics, jwks]
