import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import chromium from '@sparticuz/chromium'
import { build } from 'esbuild'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { openDriver } from '../../src/store/open.ts'
import { migratedDatabase } from './postgres.ts'
import { migratedFile } from './sqlite.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The PostgreSQL server of this run; every test file creates its own databases in it. */
    postgresUrl: string
    /** The folder of this run's SQLite files. */
    sqliteFolder: string
    /** The folder of the built service, which a test starts as a process of its own, and of the programs of tests. */
    built: string
  }
}

/**
 * A PostgreSQL server that runs until it is stopped or this process ends, with its data in a new folder in `folder`. It
 * waits for its disk only on request.
 */
export function startPostgres({ folder = tmpdir(), durable = false, autovacuum = true } = {}): Promise<{
  url: string
  /** Restarts the server on the same data and port, which ends every connection. */
  restart: () => Promise<void>
  stop: () => Promise<void>
}> {
  const script = fileURLToPath(new URL('postgres-server.ts', import.meta.url))
  const args = [
    '--import',
    'tsx',
    script,
    folder,
    ...(durable ? ['durable'] : []),
    ...(autovacuum ? [] : ['no-autovacuum']),
  ]
  const cwd = fileURLToPath(new URL('../..', import.meta.url))
  // A process group of its own, so that Ctrl-C reaches it through us: its stdin ends with this process.
  const server = spawn(process.execPath, args, { cwd, detached: true, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => server.on('close', () => resolve()))
  const stop = (): Promise<void> => {
    server.stdin.end()
    return ended
  }
  const lines = createInterface({ input: server.stdout })
  const restart = (): Promise<void> =>
    new Promise((resolve) => {
      lines.once('line', () => resolve())
      server.stdin.write('restart\n')
    })
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    lines.once('line', (url) => resolve({ url, restart, stop }))
    void ended.then(() => reject(new Error('PostgreSQL did not start')))
  })
}

/**
 * The output of `npm run build`, in a folder below the package as `dist/` is, and the programs of tests that run as
 * processes of their own, with the demo. Loading the sources in each child process would take three times as long as
 * loading these.
 */
async function buildService(): Promise<string> {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const folder = mkdtempSync(join(root, 'dist-test-'))
  await promisify(execFile)(process.execPath, ['--import', 'tsx', 'build.ts', basename(folder)], { cwd: root })
  await build({
    entryPoints: {
      'store-child': 'test/store/child.ts',
      'renewal-node': 'test/support/renewal-node.ts',
      demo: 'demo/demo.ts',
    },
    absWorkingDir: root,
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    logLevel: 'warning',
  })
  return folder
}

/** Migrates one database, which the tests copy. */
async function createTemplate(server: string): Promise<void> {
  const client = new pg.Client(server)
  await client.connect()
  await client.query(`create database ${migratedDatabase}`)
  await client.end()
  const url = new URL(server)
  url.pathname = `/${migratedDatabase}`
  const driver = await openDriver({ tag: 'postgres', url: url.href })
  await driver.close()
}

/**
 * A folder in memory if this machine has one with that many GiB of room: a test waits for no disk. What survives a power
 * loss is measured by `bench:crash`.
 */
function temporaryFolder(gib: number): string {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm')
    if (bavail * bsize >= gib * 1024 ** 3) return '/dev/shm'
  } catch {
    // No such folder.
  }
  return tmpdir()
}

/** A folder for SQLite files, with a migrated one that the tests copy. */
async function createSqliteFolder(): Promise<string> {
  const folder = mkdtempSync(join(temporaryFolder(1), 'vinculum-sqlite-'))
  const driver = await openDriver({ tag: 'sqlite', file: join(folder, migratedFile) })
  await driver.close()
  return folder
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [{ url, stop }, built] = await Promise.all([
    // The tests create some hundred databases, of 12 MB each: on a disk, only removing them can take minutes. Statistics
    // that appear in the middle of a run would change query plans.
    startPostgres({ folder: temporaryFolder(3), autovacuum: false }),
    buildService(),
    // The first use on a machine unpacks the browser. A second worker would start a file that is still being written.
    chromium.executablePath(),
  ])
  const [sqliteFolder] = await Promise.all([createSqliteFolder(), createTemplate(url)])
  project.provide('postgresUrl', url)
  project.provide('sqliteFolder', sqliteFolder)
  project.provide('built', built)
  return async () => {
    for (const folder of [built, sqliteFolder]) rmSync(folder, { recursive: true, force: true })
    await stop()
  }
}
