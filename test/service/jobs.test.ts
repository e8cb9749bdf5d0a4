import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databases, type Json, listIn, refusalOf, startWorld, type World } from '../support/service.ts'

describe.each(databases)('background jobs, on %s', (database) => {
  let world: World
  let other: Awaited<ReturnType<World['another']>>
  let token: string
  beforeAll(async () => {
    world = await startWorld({ database })
    other = await world.another()
    const { user, access_token } = await world.signIn('google', world.newcomer())
    await world.vinculum.makeAdministrator(user.id)
    token = access_token
  })
  afterAll(() => world.stop())

  const jobs = async (at = world.base): Promise<Readonly<Record<string, Json>>> => {
    const answer = await world.call('GET', '/jobs', { token, at })
    expect(answer.status, answer.text).toBe(200)
    return Object.fromEntries(listIn(answer).map((one) => [String(one.name), one]))
  }

  test('are visible to administrators only', async () => {
    const { access_token } = await world.signIn('google', world.newcomer())
    expect(refusalOf(await world.call('GET', '/jobs', { token: access_token }))).toEqual([403, 'insufficient_scope'])
    expect((await world.call('GET', '/jobs')).status).toBe(401)
  })

  test('are listed with their period, last run and next run', async () => {
    await world.vinculum.runJob('sweep-expired')
    const { 'sweep-expired': sweep, 'send-mail': mail } = await jobs()
    const now = world.clock().toISOString()
    expect(sweep).toMatchObject({
      period_seconds: 600,
      shared: true,
      last_started_at: now,
      last_finished_at: now,
      last_outcome: 'ok',
      runs: 1,
      failures: 0,
      running: false,
      backlog: null,
    })
    expect(new Date(String(sweep?.due_at)).getTime()).toBe(world.clock().getTime() + 600_000)
    expect(mail).toMatchObject({ period_seconds: 5, shared: false, backlog: expect.any(Number) })
  })

  test('have the same state on every node where nodes share it, and a state for each node otherwise', async () => {
    await world.vinculum.runJob('sweep-expired')
    await other.vinculum.runJob('sweep-expired')
    await world.vinculum.runJob('reload-signing-keys')
    const [here, there] = [await jobs(), await jobs(other.base)]
    expect(here['sweep-expired']).toEqual(there['sweep-expired'])
    expect([here['reload-signing-keys']?.runs, there['reload-signing-keys']?.runs]).toEqual([1, 0])
    expect(there['reload-signing-keys']?.last_outcome).toBe(null)
  })

  test('is counted in the metrics', async () => {
    await world.vinculum.runJob('revoke-at-provider')
    const { text } = await world.call('GET', '/metrics')
    expect(text).toMatch(/^vinculum_job_runs_total\{job="revoke-at-provider",outcome="ok"\} \d+$/m)
    expect(text).toMatch(/^vinculum_job_duration_seconds_count\{job="revoke-at-provider"\} \d+$/m)
    expect(text).toMatch(/^vinculum_job_backlog\{job="revoke-at-provider"\} 0$/m)
  })

  test('are listed on an administration page in the reader’s language', async () => {
    const boss = world.newcomer()
    const { user } = await world.signIn('google', boss)
    await world.vinculum.makeAdministrator(user.id)
    const browser = world.openBrowser()
    await browser.signIn('google', boss)
    const [english, portuguese] = await Promise.all(
      ['en', 'pt-BR'].map((language) =>
        browser.ask(`${world.base}/admin/jobs`, { headers: { 'accept-language': language } }),
      ),
    )
    for (const name of ['revoke-at-provider', 'send-mail', 'reload-signing-keys', 'sweep-expired'])
      expect(english?.text).toContain(`<code>${name}</code>`)
    expect(english?.text).toContain('Send email')
    expect(english?.text).toContain('10 minutes')
    expect(portuguese?.text).toContain('Enviar e-mails')
    expect(portuguese?.text).toContain('10 minutos')
    // A job without a name in a language would have its own name, which only the program understands.
    for (const page of [english, portuguese]) expect(page?.text).not.toMatch(/<th scope="row">[a-z]+(-[a-z]+)+</)
  })
})
