import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take longest. Started last, one of them would run alone while the other workers have nothing left. */
const long =
  /\/(pages\/(accessibility|browser)|store\/(postgres|sqlite)-\w+|service\/(sign-in-methods|embedding|reseal|input|promises|shutdown|text)|connections\/renewal-(race|round)|demo\/tour)\.test\.ts$/

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification): boolean => long.test(moduleId)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

/** Not a measure of speed: a machine that is five times slower, or busy with other work, must pass, too. */
const shared = {
  pool: 'forks',
  testTimeout: 180_000,
  hookTimeout: 180_000,
  expect: { poll: { timeout: 60_000 } },
} as const

/** Files that replace a module, or look at what the process has loaded or used. Each needs a process of its own. */
const alone = ['service/cost', 'service/long-reads', 'service/engine-loading', 'store/plans'].map(
  (name) => `test/${name}.test.ts`,
)

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    // More than the two cores of a small machine: many tests wait for a child process, a browser or a timer.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        // A worker runs many files and loads the sources once: loading them for each took a tenth of the whole run.
        test: { ...shared, name: 'shared', include: ['test/**/*.test.{ts,tsx}'], exclude: alone, isolate: false },
      },
      { test: { ...shared, name: 'alone', include: alone } },
    ],
  },
})
