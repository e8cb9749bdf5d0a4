import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Bus } from '../events/bus.ts'
import type { EventName } from '../events/catalogue.ts'
import { BusyError } from '../kernel/busy.ts'
import type { HttpMethod } from '../kernel/http-method.ts'
import { createShared } from '../kernel/shared.ts'

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const stateNumbers = { closed: 0, half_open: 1, open: 2 } as const

/** The events that are counted or timed. */
export const counted = [
  'authentication.succeeded',
  'authentication.failed',
  'conflict.opened',
  'identity.linked',
  'identity.unlinked',
  'oauth.token_exchange.stop',
  'oauth.token_exchange.exception',
  'oauth.user_info_fetch.stop',
  'oauth.user_info_fetch.exception',
  'provider.call_failed',
  'provider_token.refreshed',
  'user_info_cache.read',
  'session.refreshed',
  'application.signed_in',
  'application.refreshed',
  'application.signed_out',
  'application.withdrawn',
  'application.refused',
  'application.token_issued',
  'application.consented',
  'application.registered',
  'application.registration_changed',
  'application.registration_deleted',
  'application.document_read',
  'application.expired',
  'application.request_refused',
  'application.logout_notified',
  'mail.handled',
  'job.ran',
  'sweep.ran',
  'http.answered',
] as const satisfies readonly EventName[]

/** The statuses with a label value of their own; any other is `other`. */
export const statuses: ReadonlySet<number> = new Set([
  200, 201, 202, 204, 303, 400, 401, 403, 404, 405, 408, 409, 413, 415, 417, 429, 431, 499, 500, 502, 503,
])

/** The errors of refused authorization requests with a label value of their own; any other is `other`. */
const requestErrors: ReadonlySet<string> = new Set([
  'invalid_request',
  'invalid_client',
  'invalid_redirect_uri',
  'invalid_request_object',
  'invalid_request_uri',
  'invalid_scope',
  'invalid_target',
  'unauthorized_client',
  'unsupported_response_type',
  'unsupported_response_mode',
])

/** Values that are read when metrics are scraped. */
type Probes = {
  breakers: () => readonly { provider: string; endpointType: string; state: keyof typeof stateNumbers }[]
  jobBacklogs: () => Promise<readonly { job: string; backlog: number }[]>
  droppedLogLines: () => number
  /** Milliseconds by which this machine's clock is ahead of the database clock; `undefined` if they are the same. */
  clockSkewMs: (() => number) | undefined
}

/** No backlogs while the database cannot count them: the other metrics are needed most when it is unavailable. */
async function backlogsNow(probes: Probes): ReturnType<Probes['jobBacklogs']> {
  try {
    return await probes.jobBacklogs()
  } catch (error) {
    if (error instanceof BusyError) return []
    throw error
  }
}

/**
 * Computes metrics from events alone. Every label value comes from a closed set (provider IDs, error codes, route
 * patterns, methods, statuses). Callers therefore cannot add series: each one costs memory permanently, and time at
 * every scrape.
 */
export function createMetrics(events: Bus, probes: Probes) {
  const register = new Registry()
  const registers = [register]
  collectDefaultMetrics({ register })

  const attempts = new Counter({
    name: 'vinculum_authentication_attempts_total',
    help: 'Sign-in attempts, by provider and outcome',
    labelNames: ['provider', 'status'],
    registers,
  })
  const duration = new Histogram({
    name: 'vinculum_authentication_duration_seconds',
    help: 'Duration of a stage of a sign-in',
    labelNames: ['provider', 'stage'],
    buckets: seconds,
    registers,
  })
  const linked = new Counter({
    name: 'vinculum_accounts_linked_total',
    help: 'Identities linked',
    labelNames: ['provider'],
    registers,
  })
  const unlinked = new Counter({
    name: 'vinculum_accounts_unlinked_total',
    help: 'Identities unlinked',
    labelNames: ['provider'],
    registers,
  })
  const failures = new Counter({
    name: 'vinculum_provider_call_failures_total',
    help: 'Failed calls to a provider',
    labelNames: ['provider', 'endpoint_type'],
    registers,
  })
  const refreshes = new Counter({
    name: 'vinculum_token_refreshes_total',
    help: 'First-party token refreshes, by result',
    labelNames: ['result'],
    registers,
  })
  const providerRefreshes = new Counter({
    name: 'vinculum_provider_token_refreshes_total',
    help: 'Provider token refreshes, by result',
    labelNames: ['provider', 'result'],
    registers,
  })
  // Never by application: administrators add them without limit over time, and each one would be a series for good.
  const applicationSignIns = new Counter({
    name: 'vinculum_application_sign_ins_total',
    help: 'Sign-ins to applications',
    registers,
  })
  const applicationRefreshes = new Counter({
    name: 'vinculum_application_refreshes_total',
    help: 'Token refreshes of applications, by result',
    labelNames: ['result'],
    registers,
  })
  const applicationSignOuts = new Counter({
    name: 'vinculum_application_sign_outs_total',
    help: 'Sign-outs from an application while the device stays signed in, by reason',
    labelNames: ['reason'],
    registers,
  })
  const applicationRefusals = new Counter({
    name: 'vinculum_application_refusals_total',
    help: 'Wrong secrets and assertions of applications, by authentication method',
    labelNames: ['method'],
    registers,
  })
  const machineTokens = new Counter({
    name: 'vinculum_application_machine_tokens_total',
    help: 'Access tokens issued to machine applications',
    registers,
  })
  const applicationRegistrations = new Counter({
    name: 'vinculum_application_registrations_total',
    help: 'Changes of applications that register themselves: registered, changed, deleted, or expired without use',
    labelNames: ['change'],
    registers,
  })
  const applicationConsents = new Counter({
    name: 'vinculum_application_consents_total',
    help: 'Consents of people to what an application may see',
    registers,
  })
  const applicationRequestRefusals = new Counter({
    name: 'vinculum_application_request_refusals_total',
    help: 'Refused authorization requests, by error; not those that a person refused or has yet to answer',
    labelNames: ['error'],
    registers,
  })
  const logoutNotices = new Counter({
    name: 'vinculum_logout_notices_total',
    help: 'Deliveries of logout notices by result: sent, failed with a retry to follow, or given up',
    labelNames: ['result'],
    registers,
  })
  const mails = new Counter({
    name: 'vinculum_mails_total',
    help: 'Email deliveries by template and result: sent, failed with a retry to follow, or given up',
    labelNames: ['template', 'result'],
    registers,
  })
  const mailServer = new Gauge({
    name: 'vinculum_mail_server_attempt_timestamp_seconds',
    help: 'When the mail server last answered about a message, and when it last failed in a way that stops every message',
    labelNames: ['outcome'],
    registers,
  })
  /** Plain numbers until metrics are scraped: adding to a counter costs `/me` more than a hundredth of its CPU. */
  const answers = new Map<string, ReturnType<typeof answersOf>>()
  new Counter({
    name: 'vinculum_http_requests_total',
    help: 'HTTP requests, by method, route and status',
    labelNames: ['method', 'route', 'status'],
    registers,
    collect() {
      this.reset()
      for (const { labels, count } of answers.values()) this.inc(labels, count)
    },
  })
  const requestDuration = new Histogram({
    name: 'vinculum_http_request_duration_seconds',
    help: 'Duration of HTTP requests, by the class of the response status',
    // Every label value adds a dozen series: a caller can cause each possible error on each route.
    labelNames: ['method', 'route', 'status'],
    buckets: seconds,
    registers,
  })

  const rounds = new Counter({
    name: 'vinculum_job_runs_total',
    help: 'Background job runs on this node, by outcome',
    labelNames: ['job', 'outcome'],
    registers,
  })
  const roundDuration = new Histogram({
    name: 'vinculum_job_duration_seconds',
    help: 'Duration of a background job run',
    labelNames: ['job'],
    buckets: [...seconds, 30, 60, 300],
    registers,
  })

  const sweeps = new Counter({
    name: 'vinculum_sweeps_total',
    help: 'Sweeps of expired rows on this node, by outcome',
    labelNames: ['sweep', 'outcome'],
    registers,
  })
  const sweptRows = new Counter({
    name: 'vinculum_swept_rows_total',
    help: 'Expired rows erased by this node',
    labelNames: ['sweep'],
    registers,
  })

  let cacheReads = 0
  let cacheHits = 0
  new Gauge({
    name: 'vinculum_user_info_cache_hit_ratio',
    help: 'Share of profile lookups answered from the cache since the start',
    registers,
    collect() {
      this.set(cacheReads === 0 ? 0 : cacheHits / cacheReads)
    },
  })
  new Gauge({
    name: 'vinculum_circuit_breaker_state',
    help: 'Circuit breaker state: 0 closed, 1 half open, 2 open',
    labelNames: ['provider', 'endpoint_type'],
    registers,
    collect() {
      // A provider that was deleted or disabled has no breaker any more.
      this.reset()
      for (const { provider, endpointType, state } of probes.breakers())
        this.set({ provider, endpoint_type: endpointType }, stateNumbers[state])
    },
  })
  new Gauge({
    name: 'vinculum_job_backlog',
    help: 'Items waiting for a background job, such as grants to revoke or emails to send; 10000 means at least so many',
    labelNames: ['job'],
    registers,
    async collect() {
      // Do not report an earlier backlog.
      this.reset()
      for (const { job, backlog } of await backlogsNow(probes)) this.set({ job }, backlog)
    },
  })

  const { clockSkewMs } = probes
  if (clockSkewMs)
    new Gauge({
      name: 'vinculum_clock_skew_seconds',
      help: 'Seconds by which the machine clock is ahead of the database clock',
      registers,
      collect() {
        this.set(clockSkewMs() / 1000)
      },
    })
  new Counter({
    name: 'vinculum_log_lines_dropped_total',
    help: 'Log lines that could not be written',
    registers,
    collect() {
      this.reset()
      this.inc(probes.droppedLogLines())
    },
  })

  /** Labels are resolved once: the label object costs more than the count. */
  const rotated = refreshes.labels('rotated')
  const applicationRotated = applicationRefreshes.labels('rotated')
  const durations = new Map<string, Histogram.Internal<'provider' | 'stage'>>()
  const durationOf = (provider: string, stage: 'code_exchange' | 'user_info_fetch') => {
    const key = `${provider} ${stage}`
    const same = durations.get(key) ?? duration.labels(provider, stage)
    durations.set(key, same)
    return same
  }
  const answersOf = (method: HttpMethod, route: string, status: number) => {
    const known = statuses.has(status)
    return {
      labels: { method, route, status: known ? String(status) : 'other' },
      duration: requestDuration.labels(method, route, known ? `${Math.floor(status / 100)}xx` : 'other'),
      count: 0,
    }
  }

  events.on('metrics', counted, (event) => {
    switch (event.name) {
      case 'authentication.succeeded':
        return attempts.inc({ provider: event.data.provider, status: 'success' })
      case 'authentication.failed':
        // A failed linking is not a failed sign-in; a successful one is counted as linked.
        if (event.data.intent === 'login') attempts.inc({ provider: event.data.provider, status: event.data.code })
        return
      case 'conflict.opened':
        return attempts.inc({ provider: event.data.provider, status: 'account_conflict' })
      case 'identity.linked':
        return linked.inc({ provider: event.data.provider })
      case 'identity.unlinked':
        return unlinked.inc({ provider: event.data.provider })
      case 'oauth.token_exchange.stop':
      case 'oauth.token_exchange.exception':
        return durationOf(event.data.provider, 'code_exchange').observe(event.ms / 1000)
      case 'oauth.user_info_fetch.stop':
        // A profile from the cache says nothing about the provider.
        if (event.data.from_cache) return
        return durationOf(event.data.provider, 'user_info_fetch').observe(event.ms / 1000)
      case 'oauth.user_info_fetch.exception':
        return durationOf(event.data.provider, 'user_info_fetch').observe(event.ms / 1000)
      case 'provider.call_failed':
        return failures.inc({ provider: event.data.provider, endpoint_type: event.data.endpoint_type })
      case 'provider_token.refreshed':
        return providerRefreshes.inc({ provider: event.data.provider, result: event.data.result })
      case 'user_info_cache.read':
        cacheReads++
        if (event.data.hit) cacheHits++
        return
      case 'session.refreshed':
        return event.data.result === 'rotated' ? rotated.inc() : refreshes.inc({ result: event.data.result })
      case 'application.signed_in':
        return applicationSignIns.inc()
      case 'application.refreshed': {
        const { result } = event.data
        return result === 'rotated' ? applicationRotated.inc() : applicationRefreshes.inc({ result })
      }
      case 'application.signed_out':
        return applicationSignOuts.inc({ reason: event.data.reason })
      case 'application.withdrawn':
        return applicationSignOuts.inc({ reason: 'withdrawn' })
      case 'application.refused':
        return applicationRefusals.inc({ method: event.data.method })
      case 'application.token_issued':
        return machineTokens.inc()
      case 'application.consented':
        return applicationConsents.inc()
      case 'application.registered':
        return applicationRegistrations.inc({ change: 'registered' })
      case 'application.registration_changed':
        return applicationRegistrations.inc({ change: 'changed' })
      case 'application.registration_deleted':
        return applicationRegistrations.inc({ change: 'deleted' })
      case 'application.document_read':
        return applicationRegistrations.inc({ change: 'document_read' })
      case 'application.expired':
        return applicationRegistrations.inc({ change: 'expired' })
      case 'application.request_refused': {
        const { error } = event.data
        return applicationRequestRefusals.inc({ error: requestErrors.has(error) ? error : 'other' })
      }
      case 'application.logout_notified':
        return logoutNotices.inc({ result: event.data.result })
      case 'mail.handled':
        if (event.data.server !== 'unknown') mailServer.set({ outcome: event.data.server }, event.at.getTime() / 1000)
        return mails.inc({ template: event.data.template, result: event.data.result })
      case 'job.ran':
        rounds.inc({ job: event.data.job, outcome: event.data.outcome })
        return roundDuration.observe({ job: event.data.job }, event.data.ms / 1000)
      case 'sweep.ran':
        sweeps.inc({ sweep: event.data.sweep, outcome: event.data.outcome })
        return sweptRows.inc({ sweep: event.data.sweep }, event.data.rows)
      case 'http.answered': {
        const { method, route, status, ms } = event.data
        const key = `${method} ${route} ${status}`
        const same = answers.get(key) ?? answersOf(method, route, status)
        answers.set(key, same)
        same.count += 1
        return same.duration.observe(ms / 1000)
      }
    }
  })

  return {
    contentType: register.contentType,
    /** Generated once for all concurrent scrapes. */
    text: createShared((): Promise<string> => register.metrics()),
  }
}
export type Metrics = ReturnType<typeof createMetrics>
