/** Everything `deploy/` names exists: metrics, settings, files. The rest is checked by the tools the files are for. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readConfig, settings } from '../src/config.ts'
import { createBus } from '../src/events/bus.ts'
import { createMetrics } from '../src/telemetry/metrics.ts'
import { createStoppedClock } from './support/stopped-clock.ts'

const file = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
const metricNames = async (): Promise<Set<string>> => {
  const metrics = createMetrics(createBus(createStoppedClock().clock), {
    breakers: () => [],
    jobBacklogs: async () => [],
    droppedLogLines: () => 0,
    clockSkewMs: () => 0,
  })
  return new Set([...(await metrics.text()).matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name))
}
/** The series of a histogram have names of their own. */
const family = (name: string): string => name.replace(/_(bucket|count|sum)$/, '')

/** The lines of a block of the compose file, which begins with a line of its own and is indented by two spaces. */
const composeBlock = (first: string): string =>
  new RegExp(`^${first}\\n((?: {2}.*\\n|\\n)+)`, 'm').exec(file('deploy/compose.yaml'))?.[1] ?? ''
const pairsIn = (text: string, pair: RegExp): Record<string, string> =>
  Object.fromEntries([...text.matchAll(pair)].map(([, name = '', value = '']) => [name, value.replace(/^"|"$/g, '')]))
/** What the image sets in the environment of its processes. */
const imageEnvironment = (): Record<string, string> =>
  pairsIn(/^ENV (?:.*\\\n)*.*$/m.exec(file('deploy/Containerfile'))?.[0] ?? '', /([A-Z_]+)=(\S+)/g)
/** A folder with the secrets that the comments of `compose.yaml` create. */
function secretsFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vinculum-secrets-'))
  const contents = {
    'database-url': 'postgres://vinculum:0123456789abcdef@postgres:5432/vinculum\n',
    'encryption-keys': `k1:${randomBytes(32).toString('base64')}\n`,
    'metrics-token': `${randomBytes(24).toString('hex')}\n`,
  }
  for (const [name, content] of Object.entries(contents)) writeFileSync(join(folder, name), content)
  return folder
}

describe('the deployment files', () => {
  test('give each node of compose.yaml an environment that the service accepts', () => {
    expect([...composeBlock('services:').matchAll(/^ {2}(\S+): \*vinculum$/gm)].map(([, name]) => name)).toEqual([
      'vinculum-1',
      'vinculum-2',
    ])
    const node = composeBlock('x-vinculum: &vinculum')
    expect(node).toContain('env_file: vinculum.env\n')
    const folder = secretsFolder()
    const mounted = pairsIn(node, /^ {2}(secrets): \[(.*)\]$/gm).secrets?.split(', ')
    expect(mounted?.toSorted()).toEqual(readdirSync(folder).toSorted())
    const [, written = ''] = /echo "(PUBLIC_URL=\S+)" > deploy\/vinculum\.env/.exec(file('deploy/compose.yaml')) ?? []
    const environment = Object.entries({
      ...imageEnvironment(),
      ...pairsIn(written, /^(.*)=(.*)$/g),
      ...pairsIn(node, /^ {4}([A-Z_]+): (.*)$/gm),
    }).map(([name, value]) => [name, value.replace('/run/secrets', folder)] as const)
    const config = readConfig(Object.fromEntries(environment))
    expect(config).toMatchObject({ production: true, host: '0.0.0.0', store: { tag: 'postgres' }, warnings: [] })
    expect(config.metricsToken).toHaveLength(48)
  })

  test('give a single container a database in its volume', () => {
    const keys = `k1:${randomBytes(32).toString('base64')}`
    const given = { PUBLIC_URL: 'https://id.example.com', ENCRYPTION_KEYS: keys }
    const { store } = readConfig({ ...imageEnvironment(), ...given })
    expect(store).toMatchObject({ tag: 'sqlite', file: './data/vinculum.db' })
    expect(file('deploy/Containerfile')).toMatch(/^WORKDIR \/app\n(?:.*\n)*?RUN mkdir \/data .*&& ln -s \/data data$/m)
  })

  test('give the systemd unit and its commands the same environment, which the service accepts', () => {
    const unit = file('deploy/vinculum.service')
    const command = file('deploy/vinculum-command')
    for (const name of ['DynamicUser', 'User', 'UMask', 'StateDirectory', 'StateDirectoryMode', 'WorkingDirectory'])
      expect(command).toContain(` --property=${new RegExp(`^${name}=.*$`, 'm').exec(unit)?.[0]} `)
    for (const [line] of unit.matchAll(/^(?:EnvironmentFile|LoadCredential|Environment)=(?!ENCRYPTION_KEYS_FILE).*$/gm))
      expect(command).toContain(` --property=${line} `)
    const [, program, script] = /^ExecStart=(\S+) .* (\S+)$/m.exec(unit) ?? []
    expect(command).toContain(`exec ${program} ${script} "$@"`)
    const environment = pairsIn(unit, /^Environment=([A-Z_]+)=(.*)$/gm)
    const config = readConfig({
      ...environment,
      ENCRYPTION_KEYS_FILE: `${environment.ENCRYPTION_KEYS_FILE}`.replace('%d', secretsFolder()),
      PUBLIC_URL: 'https://id.example.com',
    })
    expect(config).toMatchObject({ production: true, store: { tag: 'sqlite' } })
  })

  test('let nginx find a node again whose container has a new address', () => {
    const proxy = file('deploy/nginx.conf')
    const nodes = [...proxy.matchAll(/^ {4}server (vinculum-\d):3000 (.*)$/gm)]
    expect(nodes.map(([, name]) => name)).toEqual(['vinculum-1', 'vinculum-2'])
    for (const [, , parameters] of nodes) expect(parameters).toMatch(/^resolve /)
    expect(proxy).toMatch(/^ {4}zone vinculum \d+k;$/m)
    expect(proxy).toMatch(/^ {2}resolver 127\.0\.0\.11 /m)
    // Without a subscription, nginx has `resolve` since 1.27.3.
    const [, major, minor] = /image: nginx:(\d+)\.(\d+)/.exec(file('deploy/compose.yaml')) ?? []
    expect(Number(major) * 1000 + Number(minor)).toBeGreaterThanOrEqual(1028)
  })

  test('let nginx log no query string, and pass on a redirect as long as a request may be', () => {
    const proxy = file('deploy/nginx.conf')
    expect(/^ *log_format .*$/gm.exec(proxy)?.[0]).not.toMatch(/\$request[ ']|\$request_uri|\$args|\$query_string/)
    expect(proxy).toMatch(/^ {2}error_log \/dev\/stderr crit;$/m)
    const kib = (name: string): number => Number(new RegExp(`^ +${name} (?:\\d+ )?(\\d+)k;$`, 'm').exec(proxy)?.[1])
    expect(kib('proxy_buffer_size')).toBeGreaterThan(kib('large_client_header_buffers'))
  })

  test.each(['deploy/prometheus/alerts.yaml', 'deploy/grafana-dashboard.json'])(
    'query only existing metrics: %s',
    async (path) => {
      const known = await metricNames()
      const asked = new Set([...file(path).matchAll(/\b(?:vinculum|nodejs|process)_[a-z0-9_]+/g)].map(([name]) => name))
      expect(asked.size).toBeGreaterThan(5)
      expect([...asked].filter((name) => !known.has(name) && !known.has(family(name)))).toEqual([])
    },
  )

  test('show every metric of applications and of background jobs in a panel', async () => {
    const { panels } = JSON.parse(file('deploy/grafana-dashboard.json')) as {
      panels: readonly { id: number; title: string; gridPos: object; targets: readonly { expr: string }[] }[]
    }
    const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
    const shown = [...(await metricNames())].filter((name) =>
      /^vinculum_(application|logout|job|sweeps|clock|mails)_/.test(name),
    )
    expect(shown).toContain('vinculum_application_consents_total')
    expect(shown.filter((name) => !queries.some((query) => new RegExp(`${name}(_bucket)?\\{`).test(query)))).toEqual([])
    for (const of of ['id', 'title', 'gridPos'] as const)
      expect(new Set(panels.map((panel) => JSON.stringify(panel[of]))).size, of).toBe(panels.length)
  })

  test('select metrics of jobs by the label that Prometheus gives them', () => {
    for (const path of ['deploy/prometheus/alerts.yaml', 'deploy/grafana-dashboard.json', 'docs/operating.md'])
      for (const [query] of file(path).matchAll(/vinculum_job_\w+\{[^}]*\}/g))
        expect(query, path).not.toMatch(/[{,]job=\\?"(?!vinculum)/)
    expect(file('docs/deployment.md')).toContain('- job_name: vinculum\n')
    expect(file('docs/deployment.md')).not.toContain('honor_labels: true')
  })

  test('set only existing settings', () => {
    const known = new Set(Object.keys(settings.shape))
    const set = [
      ...file('deploy/compose.yaml').matchAll(/^ {4}([A-Z][A-Z_]+): (?!vinculum)/gm),
      ...file('deploy/vinculum.service').matchAll(/^Environment=([A-Z_]+)=/gm),
    ].map(([, name = '']) => name.replace(/_FILE$/, ''))
    expect(set).toContain('ENCRYPTION_KEYS')
    expect(set.filter((name) => !known.has(name))).toEqual([])
  })

  test('copy only existing files, and send nothing else to the build', () => {
    const copied = [...file('deploy/Containerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files = '']) =>
      files.split(' '),
    )
    expect(copied.filter((path) => !existsSync(new URL(`../${path}`, import.meta.url)))).toEqual([])
    const sent = file('.dockerignore')
      .match(/^!.+$/gm)
      ?.map((line) => line.slice(1))
    expect(sent?.toSorted()).toEqual([...new Set(copied.map((path) => path.replace(/^\.\//, '')))].toSorted())
  })

  test('start Node.js with the same flags as `npm start`', () => {
    const { scripts } = JSON.parse(file('package.json')) as { scripts: { start: string } }
    const flags = (text: string | undefined): readonly string[] => text?.match(/--[\w=-]+/g) ?? []
    const started = flags(scripts.start)
    expect(started).toEqual([expect.stringMatching(/^--max-semi-space-size=\d+$/)])
    expect(flags(/^CMD \["node".*$/m.exec(file('deploy/Containerfile'))?.[0])).toEqual(started)
    expect(flags(/^ExecStart=.*$/m.exec(file('deploy/vinculum.service'))?.[0])).toEqual(started)
    expect(file('docs/operating.md')).toContain(started.join(' '))
  })

  test('contain no secret', () => {
    expect(readdirSync(new URL('../deploy', import.meta.url))).not.toContain('secrets')
    for (const path of ['deploy/secrets/', 'deploy/vinculum.env']) expect(file('.gitignore')).toContain(path)
  })
})
