/** Everything `deploy/` names exists: metrics, settings, files. The rest is checked by the tools the files are for. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { settings } from '../src/config.ts'
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

describe('the deployment files', () => {
  test.each(['deploy/prometheus/alerts.yaml', 'deploy/grafana-dashboard.json'])(
    'query only existing metrics: %s',
    async (path) => {
      const known = await metricNames()
      const asked = new Set([...file(path).matchAll(/\b(?:vinculum|nodejs|process)_[a-z0-9_]+/g)].map(([name]) => name))
      expect(asked.size).toBeGreaterThan(5)
      expect([...asked].filter((name) => !known.has(name) && !known.has(family(name)))).toEqual([])
    },
  )

  test('show every metric of applications in a panel', async () => {
    const { panels } = JSON.parse(file('deploy/grafana-dashboard.json')) as {
      panels: readonly { id: number; title: string; gridPos: object; targets: readonly { expr: string }[] }[]
    }
    const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
    const ofApplications = [...(await metricNames())].filter((name) => /^vinculum_(application|logout)_/.test(name))
    expect(ofApplications).toContain('vinculum_application_consents_total')
    expect(ofApplications.filter((name) => !queries.some((query) => query.includes(`${name}{`)))).toEqual([])
    for (const of of ['id', 'title', 'gridPos'] as const)
      expect(new Set(panels.map((panel) => JSON.stringify(panel[of]))).size, of).toBe(panels.length)
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
    expect(file('.gitignore')).toContain('deploy/secrets')
  })
})
