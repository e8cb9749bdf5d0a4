/**
 * `npm run bench:faults`: causes one fault after another for the built service under real load. Each case decides
 * whether the service kept its promise. The exit code is 1 if a case failed, and 2 if no case matches the filter.
 *
 *     npm run bench:faults -- postgres                   # every case whose name contains it
 *     npm run bench:faults -- sqlite-locked provider-
 *     npm run bench:faults -- --list
 */
import { parseArgs } from 'node:util'
import { startPostgres } from '../test/support/global-setup.ts'
import { createDatabase } from '../test/support/postgres.ts'
import { backupCases } from './faults/backup.ts'
import type { Case, CaseContext, SkippedCase } from './faults/case.ts'
import { deletionCases } from './faults/deletion.ts'
import { growthCases } from './faults/growth.ts'
import { type Finding, finding } from './faults/judge.ts'
import { postgresCases } from './faults/postgres.ts'
import { processCases } from './faults/process.ts'
import { providerCases } from './faults/providers.ts'
import { sqliteCases } from './faults/sqlite.ts'

const cases: readonly Case[] = [
  ...postgresCases,
  ...backupCases,
  ...sqliteCases,
  ...deletionCases,
  ...providerCases,
  ...processCases,
  ...growthCases,
]

/** The time limit for each clean-up step, in milliseconds. */
const undoMs = 15_000

type Verdict = 'held' | 'failed' | 'not run'
type Result = { readonly name: string; readonly verdict: Verdict; readonly seconds: number; readonly why: string }

const say = (text: string): void => void process.stdout.write(`${text}\n`)

/** The timer is cleared when the work ends, so that it does not keep the process alive. */
async function within<T>(ms: number, work: Promise<T>, late: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(late()), ms)
  })
  return Promise.race([work, timeout]).finally(() => clearTimeout(timer))
}

async function perform(one: Case, server: () => Promise<string>): Promise<Result> {
  const cleanUps: (() => unknown)[] = []
  const setting: CaseContext = {
    defer: (undo) => void cleanUps.unshift(undo),
    newDatabase: async () => createDatabase(await server()),
  }
  say(`\n${one.name}\n  ${one.promise}\n  judged by: ${one.criteria}`)
  const began = performance.now()
  const broken = (error: unknown): readonly Finding[] => [
    finding('the case runs to its end', false, error instanceof Error ? (error.stack ?? error.message) : String(error)),
  ]
  const found: readonly Finding[] | SkippedCase = await within(
    one.withinSeconds * 1000,
    one.run(setting).catch(broken),
    () => [finding(`it ends within ${one.withinSeconds} s`, false, 'it did not')],
  )
  const seconds = (performance.now() - began) / 1000
  for (const undo of cleanUps)
    await within(
      undoMs,
      (async () => undo())().catch((error: unknown) => say(`  cleaning up: ${error}`)),
      () => say('  cleaning up took too long'),
    )
  if ('notRun' in found) {
    say(`  not run: ${found.notRun}`)
    return { name: one.name, verdict: 'not run', seconds, why: found.notRun }
  }
  for (const { what, held, found: seen } of found) say(`  ${held ? 'held  ' : 'FAILED'}  ${what}: ${seen}`)
  const failures = found.filter(({ held }) => !held)
  const verdict = found.length > 0 && failures.length === 0 ? 'held' : 'failed'
  return { name: one.name, verdict, seconds, why: failures.map(({ what }) => what).join('; ') }
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { list: { type: 'boolean' } } })
  const wanted = cases.filter(
    ({ name }) => positionals.length === 0 || positionals.some((filter) => name.includes(filter)),
  )
  if (values.list) {
    for (const { name, promise } of wanted) say(`${name.padEnd(36)}${promise}`)
    return 0
  }
  if (wanted.length === 0) {
    say(`No case matches. The cases are:\n${cases.map(({ name }) => `  ${name}`).join('\n')}`)
    return 2
  }
  let server: ReturnType<typeof startPostgres> | undefined
  const urlOfServer = async (): Promise<string> => {
    server ??= startPostgres()
    return (await server).url
  }
  const results: Result[] = []
  for (const one of wanted) results.push(await perform(one, urlOfServer))
  if (server) await (await server).stop()

  say('')
  for (const { name, verdict, seconds, why } of results)
    say(`${name.padEnd(36)}${verdict.padEnd(9)}${seconds.toFixed(0).padStart(4)} s  ${why}`.trimEnd())
  const count = (verdict: Verdict): number => results.filter((result) => result.verdict === verdict).length
  say(`\n${count('held')} held, ${count('failed')} failed, ${count('not run')} not run`)
  return count('failed') > 0 ? 1 : 0
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    process.exit(1)
  },
)
