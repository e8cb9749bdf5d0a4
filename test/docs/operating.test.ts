import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { defineJobs } from '../../src/jobs/jobs.ts'

const operating = readFileSync('docs/operating.md', 'utf8')

test('docs/operating.md lists every job with its period', () => {
  const told = [...operating.matchAll(/^\| `([a-z-]+)` \| (\d+) (s|min) \|/gm)].map(([, name, count, unit]) => [
    name,
    Number(count) * (unit === 'min' ? 60 : 1),
  ])
  // A job uses its dependencies when it runs, not before.
  const jobs = defineJobs({} as Parameters<typeof defineJobs>[0])
  expect(told.sort()).toEqual(jobs.map(({ name, everySeconds }) => [name, everySeconds]).sort())
})

test('docs/operating.md names existing metrics only', () => {
  const metrics = readFileSync('src/telemetry/metrics.ts', 'utf8')
  for (const [name] of operating.matchAll(/vinculum_[a-z_]+/g)) expect(metrics, name).toContain(`'${name}'`)
})
