import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { describe, expect, inject, test } from 'vitest'
import type { StoreConfig } from '../../src/store/open.ts'
import { endWithWorker } from '../support/children.ts'
import { type Backend, newcomer, open, signedIn } from './people.ts'
import { isThorough } from './thorough.ts'

type Child = {
  readonly process: ChildProcessByStdio<Writable, Readable, null>
  /** Every line it has printed so far, after `ready`. */
  readonly said: unknown[]
  readonly ready: Promise<void>
  readonly ended: Promise<number | null>
}

/** Runs one task of `child.ts` in a separate process; it begins on a signal. */
export function spawnChild(task: string, config: StoreConfig, rounds = 0): Child {
  const args = [join(inject('built'), 'store-child.js'), task, JSON.stringify(config), String(rounds)]
  const child = endWithWorker(spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] }))
  const lines = createInterface({ input: child.stdout })
  const said: unknown[] = []
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  const ready = new Promise<void>((resolve, reject) => {
    lines.once('line', () => {
      lines.on('line', (line) => said.push(JSON.parse(line)))
      resolve()
    })
    void ended.then((status) => reject(new Error(`the child ended with ${status} before it was ready`)))
  })
  return { process: child, said, ready, ended }
}

/** Two processes that share nothing but the database, racing from the same moment. Returns what each of them won. */
async function raceProcesses(task: string, config: StoreConfig, rounds: number): Promise<readonly unknown[][]> {
  const children = [spawnChild(task, config, rounds), spawnChild(task, config, rounds)]
  await Promise.all(children.map(({ ready }) => ready))
  for (const { process } of children) process.stdin.write('go\n')
  expect(await Promise.all(children.map(({ ended }) => ended))).toEqual([0, 0])
  return children.map(({ said }) => said)
}

const [rotations, people] = isThorough ? [300, 100] : [100, 40]
const numbers = (length: number): number[] => Array.from({ length }, (_, n) => n)
const inOrder = (won: readonly unknown[][]): number[] => (won.flat() as number[]).sort((a, b) => a - b)

export function storeProcesses({ name, place, migrated }: Backend): void {
  describe(`two processes on one ${name} database`, () => {
    test('rotate every generation of a session exactly once', async () => {
      const config = await migrated()
      const opened = await open(config)
      const { account } = await newcomer(opened)
      await signedIn(opened, account.id, { id: 'ses_shared' })
      expect(inOrder(await raceProcesses('rotate', config, rotations))).toEqual(numbers(rotations))
      expect(await opened.store.sessions.find('ses_shared')).toMatchObject({ generation: rotations })
      await opened.store.close()
    })

    test('run each period of a job once between them, by their machine’s clock', async () => {
      const config = await migrated()
      const rounds = inOrder(await raceProcesses('schedule', config, 3))
      const { store } = await open(config)
      const [record] = await store.jobs.list(new Date())
      expect(record?.runs).toBe(rounds.length)
      expect(record).toMatchObject({ failures: 0, running: false })
      // A slow machine may skip a second, and never runs one twice.
      expect(new Set(rounds).size).toBe(rounds.length)
      const ofSecond = (record?.dueAt.getTime() ?? 0) % 1000
      expect(new Set(rounds.map((due) => due % 1000))).toEqual(new Set([ofSecond]))
      await store.close()
    })

    test('create every account once, on a database that was empty for both', async () => {
      const config = await place()
      expect(inOrder(await raceProcesses('signIn', config, people))).toEqual(numbers(people))
      const { store, driver } = await open(config)
      expect(await driver.read(driver.db.select().from(driver.tables.accounts))).toHaveLength(people)
      expect(await driver.read(driver.db.select().from(driver.tables.identities))).toHaveLength(people)
      await store.close()
    })
  })
}
