import { isIPv6 } from 'node:net'
import { z } from 'zod'
import type { Config } from '../config.ts'
import type { KeyRing } from '../kernel/crypto.ts'
import { makeDoctorToken } from '../kernel/doctor-token.ts'
import { type Check, type Finding, failed, passed, warning } from './check.ts'

type ServiceCheckParts = {
  readonly config: Config
  /** The configured or generated keys; `undefined` if there are none. Then no service can be running with them. */
  readonly ring: () => KeyRing | undefined
  readonly now: () => Date
}

/** How long one request may take, in milliseconds. */
const requestMs = 4000
/** An IP address reserved for documentation (RFC 5737). A proxy must not pass it on as the client's. */
const forgedIp = '192.0.2.77'

const ObservedRequest = z.object({
  client: z.string().nullable(),
  peer: z.string().nullable(),
  forwarded_for: z.array(z.string()),
  forwarded: z.boolean(),
  scheme: z.string().nullable(),
  host: z.string().nullable(),
  trust_proxy_hops: z.number(),
})
/** How the service received our request. */
export type ObservedRequest = z.output<typeof ObservedRequest>

type ObservationResult =
  | { readonly tag: 'arrived'; readonly arrival: ObservedRequest }
  /** A server responded, but did not accept our token. */
  | { readonly tag: 'stranger'; readonly status: number }
  | { readonly tag: 'unreachable'; readonly reason: string }

/** Checks whether the service runs here. It calls the local address, bypassing all proxies. */
export const serviceCheck = ({ config }: Pick<ServiceCheckParts, 'config'>): Check => ({
  name: 'service',
  slow: 'The process accepts connections but does not respond. Read its log, then restart it.',
  async run(report, signal) {
    const url = `${localOrigin(config)}/health/ready`
    const answer = await get(url, {}, signal)
    report(serviceFinding(url, answer))
  },
})

export function serviceFinding(url: string, answer: Awaited<ReturnType<typeof get>>): Finding {
  const name = 'service'
  if ('reason' in answer)
    return warning(
      name,
      `No service answers at ${url} (${answer.reason}).`,
      'Start the service, or run the command on its machine.',
    )
  if (answer.status === 200) return passed(name, `The service at ${url} is ready.`)
  if (answer.status === 503)
    return failed(
      name,
      `The service at ${url} is running but not ready.`,
      'Read its log: the line "database.state" has the reason, unless it is shutting down.',
    )
  return warning(name, `Another program answers at ${url} (status ${answer.status}).`, 'Check HOST and PORT.')
}

/**
 * Checks how requests from outside arrive. It calls PUBLIC_URL twice, the second time with a forged client IP address.
 */
export const proxyCheck = ({ config, ring, now }: ServiceCheckParts): Check => ({
  name: 'proxy',
  slow: 'Check that PUBLIC_URL leads to the service from this machine.',
  async run(report, signal) {
    const keys = ring()
    if (keys === undefined)
      return report(warning('proxy', 'Not checked: no service runs with these settings.', notRunning))
    const url = `${config.publicUrl.origin}/health/arrival`
    const headers = { authorization: `Bearer ${makeDoctorToken(keys, now())}` }
    const plain = await ask(url, headers, signal)
    if (plain.tag !== 'arrived') return report(unobservedFinding(config, plain))
    const forged = await ask(url, { ...headers, 'x-forwarded-for': forgedIp }, signal)
    report(proxyFinding(config, plain.arrival, forged.tag === 'arrived' ? forged.arrival : undefined))
  },
})

const notRunning = 'Start the service, then run the command again.'

/** What to report about proxies if the request did not reach the service. */
export function unobservedFinding(
  { publicUrl, trustProxyHops }: Pick<Config, 'publicUrl' | 'trustProxyHops'>,
  answer: Exclude<ObservationResult, { tag: 'arrived' }>,
): Finding {
  const name = 'proxy'
  const found =
    answer.tag === 'stranger'
      ? `Not checked: the server at ${publicUrl.origin} did not accept our token (status ${answer.status}).`
      : `Not checked: there is no response from ${publicUrl.origin} (${answer.reason}).`
  const hidden =
    publicUrl.protocol === 'https:' && trustProxyHops === 0
      ? ' TRUST_PROXY_HOPS is 0, although a proxy must terminate TLS: all clients would share its IP address.'
      : ''
  return warning(
    name,
    `${found}${hidden}`,
    answer.tag === 'stranger'
      ? 'Run the command with the settings of the service (PUBLIC_URL, ENCRYPTION_KEYS), the same version and a correct clock.'
      : `Start the service. If it is running, check that PUBLIC_URL can be reached from this machine (DNS, TLS, firewall).${hidden === '' ? '' : ' Set TRUST_PROXY_HOPS to the number of proxies.'}`,
  )
}

/**
 * Compares the number of proxies that were seen with the number that is trusted. Each proxy appends the IP address of
 * its client to `X-Forwarded-For`. We send none, so there are as many entries as proxies.
 */
export function proxyFinding(
  { publicUrl }: Pick<Config, 'publicUrl'>,
  plain: ObservedRequest,
  forged: ObservedRequest | undefined,
): Finding {
  const name = 'proxy'
  const { client, peer, scheme, host, forwarded, trust_proxy_hops: trusted } = plain
  const seen = plain.forwarded_for.length
  const found = `The service saw the client ${client ?? 'unknown'}, scheme ${scheme ?? 'not stated'} and host ${host ?? 'none'}; proxies counted: ${seen}, TRUST_PROXY_HOPS: ${trusted}.`
  const set = `Set TRUST_PROXY_HOPS=${seen} on every node and restart it.`
  if (seen === 0 && forwarded)
    return failed(
      name,
      `${found} A proxy sends the Forwarded header, which the service does not read.`,
      'Configure it to send X-Forwarded-For, and set TRUST_PROXY_HOPS to the number of proxies.',
    )
  if (seen === 0 && trusted === 0 && publicUrl.protocol === 'https:')
    return failed(
      name,
      `${found} A proxy terminates TLS but sends no X-Forwarded-For, so all clients share the IP address ${peer ?? 'of that proxy'} and its rate limits.`,
      'Configure the proxy to send X-Forwarded-For, and set TRUST_PROXY_HOPS=1.',
    )
  if (seen > trusted)
    return failed(name, `${found} All clients share the IP address of a proxy and its rate limits.`, set)
  if (forged?.client === forgedIp)
    return failed(
      name,
      `${found} A client can choose its IP address: a forged X-Forwarded-For was accepted.`,
      seen < trusted
        ? set
        : 'Configure the first proxy to overwrite X-Forwarded-For or append to it, instead of passing it on.',
    )
  if (seen < trusted)
    return failed(
      name,
      `${found} More proxies are trusted than exist, so a client could choose its IP address.`,
      seen === 0 && publicUrl.protocol === 'https:' ? 'Configure the proxy to send X-Forwarded-For.' : set,
    )
  return passed(name, found)
}

const localOrigin = ({ host, port }: Config): string => {
  const at = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${isIPv6(at) ? `[${at}]` : at}:${port}`
}

async function ask(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<ObservationResult> {
  const answer = await get(url, headers, signal)
  if ('reason' in answer) return { tag: 'unreachable', reason: answer.reason }
  const read = ObservedRequest.safeParse(answer.body)
  return answer.status === 200 && read.success
    ? { tag: 'arrived', arrival: read.data }
    : { tag: 'stranger', status: answer.status }
}

/** Makes one request without following redirects. The reason of a failure is a code, never an IP address. */
async function get(
  url: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly body: unknown } | { readonly reason: string }> {
  try {
    const response = await fetch(url, {
      headers,
      redirect: 'manual' as const,
      signal: AbortSignal.any([signal, AbortSignal.timeout(requestMs)]),
    })
    const text = await response.text()
    return { status: response.status, body: readJson(text) }
  } catch (error) {
    const { name, cause } = error as Error & { cause?: { code?: unknown } }
    return { reason: typeof cause?.code === 'string' ? cause.code : name }
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
