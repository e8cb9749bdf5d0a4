import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take longest. Started last, one of them would run alone while the other workers have nothing left. */
const long =
  /\/(pages\/accessibility|store\/(postgres|sqlite)|service\/(sign-in|input|reseal|linking|passwords|promises)|connections\/renewal-race|demo\/tour)\.test\.ts$/

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification): boolean => long.test(moduleId)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.{ts,tsx}'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    // A worker runs many files and loads the sources once: loading them for each file took a tenth of the whole run.
    isolate: false,
    // More than the two cores of a small machine: many tests wait for a child process, a browser or a timer.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
})
