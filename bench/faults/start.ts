/** Starts what a case needs, and stops it when the case ends. */
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { connectSqlite } from '../../src/store/connect-sqlite.ts'
import { connectPostgres } from '../../test/support/postgres.ts'
import { launchService, newPath, type RunningService, type ServiceOptions, startService } from '../processes.ts'
import type { CaseContext } from './case.ts'
import { startStandIn } from './stand-in.ts'

/** Uses SIGKILL if SIGTERM is not enough: a case that hangs must not delay the next one. */
const patienceMs = 8000

const end = (setting: CaseContext, { child, ended }: RunningService): void =>
  setting.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGCONT')
    child.kill('SIGTERM')
    const kill = setTimeout(() => child.kill('SIGKILL'), patienceMs)
    await ended
    clearTimeout(kill)
  })

/** The service with a provider called `local`, ready. */
export async function startNode(setting: CaseContext, options: Omit<ServiceOptions, 'provider' | 'metered'>) {
  const { env } = await startStandIn(setting, ['local'])
  return startWith(setting, { ...options, env: { ...env, ...options.env } })
}

/** The service with these settings, ready. */
export async function startWith(setting: CaseContext, options: ServiceOptions) {
  const node = await startService({ ...options, metered: false })
  end(setting, node)
  return node
}

/** The service, whether or not it starts. */
export async function launch(setting: CaseContext, options: ServiceOptions): Promise<RunningService> {
  const node = await launchService({ ...options, metered: false })
  end(setting, node)
  return node
}

/** An operator command with the settings of a service: its exit code, and what it printed. */
export async function runCommand(setting: CaseContext, command: readonly string[], options: ServiceOptions) {
  const { child, ended, said } = await launch(setting, { ...options, command })
  await ended
  return { code: child.exitCode, said: said() }
}

/** The path of a new SQLite file, in its own folder. */
export function newFile(): string {
  const file = `${newPath('sqlite')}/vinculum.db`
  mkdirSync(dirname(file))
  return file
}

/** A connection that counts as another process for SQLite's locks. */
export function openOutside(setting: CaseContext, file: string) {
  const connection = connectSqlite(file, { timeout: 0 })
  setting.defer(() => connection.close())
  return connection
}

/** A connection to PostgreSQL that bypasses the service. */
export async function connectOperator(setting: CaseContext, url: string) {
  const operator = await connectPostgres(url)
  setting.defer(() => operator.end())
  return operator
}

export const isRoot = process.getuid?.() === 0

/** Mounts a file system in memory at a folder. Only root can do that. */
export function mountMemory(setting: CaseContext, folder: string, megabytes: number) {
  mkdirSync(folder, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder])
  setting.defer(() => execFileSync('umount', ['--lazy', folder]))
  return { remountReadOnly: () => execFileSync('mount', ['-o', 'remount,ro', folder]) }
}
