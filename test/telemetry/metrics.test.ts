import { beforeEach, describe, expect, test } from 'vitest'
import { fail } from '../../src/errors/catalogue.ts'
import { type Bus, createBus } from '../../src/events/bus.ts'
import { eventCatalogue, type Fact, type Origin } from '../../src/events/catalogue.ts'
import { BusyError } from '../../src/kernel/busy.ts'
import { ok } from '../../src/kernel/result.ts'
import { counted, createMetrics, type Metrics } from '../../src/telemetry/metrics.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

let events: Bus
let metrics: Metrics
let breakers: ReturnType<Parameters<typeof createMetrics>[1]['breakers']>
beforeEach(() => {
  events = createBus(createStoppedClock().clock)
  breakers = [
    { provider: 'google', endpointType: 'token', state: 'open' },
    { provider: 'google', endpointType: 'userinfo', state: 'closed' },
    { provider: 'github', endpointType: 'token', state: 'half_open' },
  ]
  metrics = createMetrics(events, {
    breakers: () => breakers,
    jobBacklogs: async () => [
      { job: 'revoke-at-provider', backlog: 3 },
      { job: 'send-mail', backlog: 5 },
    ],
    droppedLogLines: () => 7,
    clockSkewMs: () => -2500,
  })
})

/** One series and its value, as Prometheus parses it. */
const value = async (series: string): Promise<number | undefined> => {
  const line = (await metrics.text()).split('\n').find((text) => text.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}
/** Values a client may choose: none may appear in a label. */
const stranger: Origin = { ip: '203.0.113.77', userAgent: 'Evil/1.0 {"} \n', requestId: 'req_of_a_stranger' }
const say = (fact: Pick<Fact, 'name' | 'data'>): void =>
  events.publish({ ...fact, accountId: 'usr_of_somebody', origin: stranger } as Fact)

const everything = async (): Promise<void> => {
  say({
    name: 'authentication.succeeded',
    data: { provider: 'google', action: 'login_existing', session: 'ses_secret' },
  })
  say({ name: 'authentication.failed', data: { provider: 'google', code: 'access_denied', intent: 'login' } })
  say({ name: 'conflict.opened', data: { provider: 'google' } })
  say({ name: 'identity.linked', data: { provider: 'google', identity: 'idn_secret', how: 'on_purpose' } })
  say({ name: 'identity.unlinked', data: { provider: 'google', identity: 'idn_secret' } })
  await events.span(
    'oauth.token_exchange',
    { provider: 'google' },
    async () => ok(1),
    () => ({}),
  )
  await events.span(
    'oauth.token_exchange',
    { provider: 'google' },
    async () => fail('internal'),
    () => ({}),
  )
  await events.span(
    'oauth.user_info_fetch',
    { provider: 'google' },
    async () => ok(1),
    () => ({ from_cache: false }),
  )
  events.emit('provider.call_failed', { provider: 'google', endpoint_type: 'token', reason: 'timeout' })
  events.emit('provider_token.refreshed', { provider: 'google', result: 'transient' })
  events.emit('session.refreshed', { result: 'rotated' })
  events.emit('session.refreshed', { result: 'replayed' })
  events.emit('session.refreshed', { result: 'refused' })
  const application = 'app_of_a_stranger'
  say({ name: 'application.signed_in', data: { application, session: 'ses_secret' } })
  for (const result of ['rotated', 'replayed', 'reused', 'refused'] as const)
    events.emit('application.refreshed', { result })
  for (const reason of ['revoked', 'code_reused', 'token_reused'] as const)
    say({ name: 'application.signed_out', data: { application, session: 'ses_secret', reason } })
  say({ name: 'application.withdrawn', data: { application } })
  for (const method of ['client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const)
    say({ name: 'application.refused', data: { application, method } })
  say({ name: 'application.token_issued', data: { application, resource: 'https://a.example.org', scope: 'read' } })
  say({ name: 'application.consented', data: { application } })
  say({ name: 'application.registered', data: { application, credential: null } })
  say({ name: 'application.document_read', data: { application } })
  for (const name of ['registration_changed', 'registration_deleted', 'expired'] as const)
    say({ name: `application.${name}`, data: { application } })
  for (const error of ['invalid_scope', 'text_of_a_stranger'])
    events.emit('application.request_refused', { application, error })
  for (const result of ['sent', 'transient', 'gave_up'] as const)
    events.emit('application.logout_notified', { application, result })
  events.emit('job.ran', { job: 'sweep-expired', outcome: 'ok', ms: 12 })
  events.emit('http.answered', { method: 'GET', route: '/auth/:provider', status: 303, ms: 12 })
}

describe('the metrics of the contract', () => {
  test.each([
    ['vinculum_authentication_attempts_total', 'counter', ['provider', 'status']],
    ['vinculum_authentication_duration_seconds', 'histogram', ['provider', 'stage']],
    ['vinculum_accounts_linked_total', 'counter', ['provider']],
    ['vinculum_accounts_unlinked_total', 'counter', ['provider']],
    ['vinculum_user_info_cache_hit_ratio', 'gauge', []],
    ['vinculum_provider_call_failures_total', 'counter', ['provider', 'endpoint_type']],
    ['vinculum_circuit_breaker_state', 'gauge', ['provider', 'endpoint_type']],
    ['vinculum_token_refreshes_total', 'counter', ['result']],
    ['vinculum_application_sign_ins_total', 'counter', []],
    ['vinculum_application_refreshes_total', 'counter', ['result']],
    ['vinculum_application_sign_outs_total', 'counter', ['reason']],
    ['vinculum_application_refusals_total', 'counter', ['method']],
    ['vinculum_application_machine_tokens_total', 'counter', []],
    ['vinculum_application_consents_total', 'counter', []],
    ['vinculum_application_registrations_total', 'counter', ['change']],
    ['vinculum_application_request_refusals_total', 'counter', ['error']],
    ['vinculum_logout_notices_total', 'counter', ['result']],
  ])('%s is a %s with the labels %j', async (name, kind, labels) => {
    await everything()
    const text = await metrics.text()
    expect(text).toContain(`# TYPE ${name} ${kind}\n`)
    const series = text.split('\n').filter((line) => line.startsWith(name) && !line.startsWith('#'))
    expect(series.length).toBeGreaterThan(0)
    for (const line of series) {
      const named = [...(/\{(.*)\}/.exec(line)?.[1] ?? '').matchAll(/(\w+)="/g)]
        .map(([, label]) => label)
        .filter((label) => label !== 'le')
      expect(named.sort()).toEqual([...labels].sort())
    }
  })

  test('come with those of the process', async () => {
    expect(await value('process_start_time_seconds')).toBeGreaterThan(0)
    expect(await metrics.text()).toContain('nodejs_eventloop_lag_seconds')
  })
})

test('every event is counted in its metric', async () => {
  await everything()
  expect(await value('vinculum_authentication_attempts_total{provider="google",status="success"}')).toBe(1)
  expect(await value('vinculum_authentication_attempts_total{provider="google",status="access_denied"}')).toBe(1)
  expect(await value('vinculum_authentication_attempts_total{provider="google",status="account_conflict"}')).toBe(1)
  expect(await value('vinculum_accounts_linked_total{provider="google"}')).toBe(1)
  expect(await value('vinculum_accounts_unlinked_total{provider="google"}')).toBe(1)
  expect(await value('vinculum_authentication_duration_seconds_count{provider="google",stage="code_exchange"}')).toBe(2)
  expect(await value('vinculum_authentication_duration_seconds_count{provider="google",stage="user_info_fetch"}')).toBe(
    1,
  )
  expect(await value('vinculum_provider_call_failures_total{provider="google",endpoint_type="token"}')).toBe(1)
  expect(await value('vinculum_provider_token_refreshes_total{provider="google",result="transient"}')).toBe(1)
  for (const result of ['rotated', 'replayed', 'refused'])
    expect(await value(`vinculum_token_refreshes_total{result="${result}"}`)).toBe(1)
  expect(await value('vinculum_application_sign_ins_total')).toBe(1)
  for (const series of [
    ...['rotated', 'replayed', 'reused', 'refused'].map((one) => `application_refreshes_total{result="${one}"}`),
    ...['revoked', 'code_reused', 'token_reused', 'withdrawn'].map(
      (one) => `application_sign_outs_total{reason="${one}"}`,
    ),
    ...['client_secret_basic', 'client_secret_post', 'private_key_jwt'].map(
      (one) => `application_refusals_total{method="${one}"}`,
    ),
    ...['invalid_scope', 'other'].map((one) => `application_request_refusals_total{error="${one}"}`),
    'application_consents_total',
    ...['registered', 'changed', 'deleted', 'document_read', 'expired'].map(
      (one) => `application_registrations_total{change="${one}"}`,
    ),
    'application_machine_tokens_total',
    ...['sent', 'transient', 'gave_up'].map((one) => `logout_notices_total{result="${one}"}`),
  ])
    expect([series, await value(`vinculum_${series}`)]).toEqual([series, 1])
  expect(
    await value('vinculum_http_request_duration_seconds_count{method="GET",route="/auth/:provider",status="3xx"}'),
  ).toBe(1)
  expect(await value('vinculum_http_requests_total{method="GET",route="/auth/:provider",status="303"}')).toBe(1)
})

test('every event of applications is counted, unless administrators cause it', () => {
  // One by one, and each is in the audit log: a rate of them would say nothing.
  const acts = ['created', 'updated', 'deleted', 'secret_rotated', 'secret_ended', 'disabled', 'enabled']
  const ofApplications = Object.keys(eventCatalogue).filter((name) => name.startsWith('application.'))
  const uncounted = ofApplications.filter((name) => !(counted as readonly string[]).includes(name))
  expect(uncounted.sort()).toEqual(acts.map((act) => `application.${act}`).sort())
})

test('a breaker is 0 closed, 1 half open, 2 open', async () => {
  expect(await value('vinculum_circuit_breaker_state{provider="google",endpoint_type="token"}')).toBe(2)
  expect(await value('vinculum_circuit_breaker_state{provider="google",endpoint_type="userinfo"}')).toBe(0)
  expect(await value('vinculum_circuit_breaker_state{provider="github",endpoint_type="token"}')).toBe(1)
})

test('the breaker of a provider that no longer exists is not reported', async () => {
  expect(await value('vinculum_circuit_breaker_state{provider="google",endpoint_type="token"}')).toBe(2)
  breakers = breakers.filter(({ provider }) => provider !== 'google')
  expect(await value('vinculum_circuit_breaker_state{provider="google",endpoint_type="token"}')).toBeUndefined()
  expect(await value('vinculum_circuit_breaker_state{provider="github",endpoint_type="token"}')).toBe(1)
})

test('the cache hit ratio of profiles is 0 at first, and then accurate', async () => {
  expect(await value('vinculum_user_info_cache_hit_ratio')).toBe(0)
  for (const hit of [true, true, false, true]) events.emit('user_info_cache.read', { provider: 'google', hit })
  expect(await value('vinculum_user_info_cache_hit_ratio')).toBe(0.75)
})

test('backlogs of jobs are read at scrape time', async () => {
  expect(await value('vinculum_job_backlog{job="revoke-at-provider"}')).toBe(3)
  expect(await value('vinculum_job_backlog{job="send-mail"}')).toBe(5)
})

test('job runs are counted by outcome, and timed', async () => {
  events.emit('job.ran', { job: 'send-mail', outcome: 'ok', ms: 20 })
  events.emit('job.ran', { job: 'send-mail', outcome: 'failed', ms: 90_000 })
  expect(await value('vinculum_job_runs_total{job="send-mail",outcome="ok"}')).toBe(1)
  expect(await value('vinculum_job_runs_total{job="send-mail",outcome="failed"}')).toBe(1)
  expect(await value('vinculum_job_duration_seconds_count{job="send-mail"}')).toBe(2)
  expect(await value('vinculum_job_duration_seconds_sum{job="send-mail"}')).toBeCloseTo(90.02)
})

test('no label contains a value from a client or identifies an account', async () => {
  await everything()
  const text = await metrics.text()
  for (const told of [
    stranger.ip,
    'Evil',
    stranger.requestId,
    'usr_of_somebody',
    'ses_secret',
    'idn_secret',
    'app_of_a',
  ])
    expect(text).not.toContain(told)
  const labels = new Set([...text.matchAll(/[{,](\w+)="/g)].map(([, label]) => label))
  const ours = [
    'job',
    'outcome',
    'provider',
    'status',
    'stage',
    'endpoint_type',
    'result',
    'method',
    'route',
    'le',
    'reason',
    'error',
    'change',
  ]
  const ofTheProcess = ['space', 'type', 'kind', 'version', 'major', 'minor', 'patch']
  expect([...labels].filter((label) => ![...ours, ...ofTheProcess].includes(label ?? ''))).toEqual([])
})

test('two services in one process have separate metrics', async () => {
  const other = createMetrics(createBus(createStoppedClock().clock), {
    breakers: () => [],
    jobBacklogs: async () => [],
    droppedLogLines: () => 0,
    clockSkewMs: undefined,
  })
  await everything()
  expect(await other.text()).not.toContain('provider="google"')
})

test('while the database cannot count backlogs, they are omitted, and all other metrics are there', async () => {
  const bus = createBus(createStoppedClock().clock)
  let isAway = false
  const here = createMetrics(bus, {
    breakers: () => [],
    jobBacklogs: async () => {
      if (isAway) throw new BusyError('the database', 5)
      return [{ job: 'send-mail', backlog: 5 }]
    },
    droppedLogLines: () => 0,
    clockSkewMs: undefined,
  })
  expect(await here.text()).toContain('vinculum_job_backlog{job="send-mail"} 5')
  isAway = true
  expect(await here.text()).not.toContain('vinculum_job_backlog{')
  expect(await here.text()).toContain('vinculum_log_lines_dropped_total 0')
})

test('lost log lines are a counter', async () => {
  expect(await value('vinculum_log_lines_dropped_total')).toBe(7)
  expect(await value('vinculum_log_lines_dropped_total')).toBe(7)
})

test('when the mail server last answered and last failed is known', async () => {
  const at = (outcome: string) => value(`vinculum_mail_server_attempt_timestamp_seconds{outcome="${outcome}"}`)
  events.emit('mail.handled', { template: 'sign_in', result: 'gave_up', server: 'unknown' })
  expect([await at('answered'), await at('failed')]).toEqual([undefined, undefined])
  events.emit('mail.handled', { template: 'sign_in', result: 'transient', server: 'failed' })
  expect([await at('answered'), await at('failed')]).toEqual([undefined, createStoppedClock().clock().getTime() / 1000])
})
