/**
 * A separate process on a shared database, for races that share nothing else, and for dying in the middle of a write.
 * It writes its results to stdout, a line at a time and at once.
 */
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { createScheduler } from '../../src/jobs/scheduler.ts'
import { createIds, systemRandom } from '../../src/kernel/ids.ts'
import { openStore, type Store, type StoreConfig } from '../../src/store/open.ts'
import { account, identity, later, now, pendingAuthorization } from './people.ts'

const say = (value: unknown): void => void writeSync(1, `${JSON.stringify(value)}\n`)

const tasks: Record<string, (store: Store, rounds: number) => Promise<void>> = {
  /** Tries every generation in turn; a process that loses one skips it. Prints which it won. */
  async rotate(store, rounds) {
    for (let generation = 0; generation < rounds; generation++)
      if (await store.sessions.rotate('ses_shared', generation, now, later(900))) say(generation)
  },
  /** Signs the same users in for the first time. Prints for whom it created an account. */
  async signIn(store, rounds) {
    for (let n = 0; n < rounds; n++) {
      const person = account({ email: `p${n}@example.com`, emailVerified: true })
      const way = identity(person.id, { subject: `s${n}`, provider: n % 2 ? 'github' : `from-${process.pid}` })
      if (await store.accounts.create(person, way, { separate: false }, [])) say(n)
    }
  },
  /** Runs a shared job every second until both have run it so many times together. Prints when each run was due. */
  async schedule(store, rounds) {
    // A run stays due until it is finished.
    const work = async (): Promise<void> => say((await store.jobs.list(clock()))[0]?.dueAt.getTime())
    const scheduler = createScheduler({
      jobs: [{ name: 'sweep', everySeconds: 1, shared: true, work }],
      store: store.jobs,
      clock,
      owner: String(process.pid),
      onDefect: (error) => {
        throw error
      },
      events: { emit: () => {} },
    })
    scheduler.start()
    while (((await store.jobs.list(clock()))[0]?.runs ?? 0) < rounds) await pause(100)
    await scheduler.stop()
  },
  /** Writes until it is killed, several rows at a time. Prints each row once it was acknowledged. */
  async write(store) {
    const chain = async (): Promise<never> => {
      for (;;) {
        const begun = pendingAuthorization()
        await store.pendingAuthorizations.begin(begun)
        say(begun.stateHash)
      }
    }
    await Promise.all(Array.from({ length: 8 }, chain))
  },
}

const [task = '', config = '', rounds = '0'] = process.argv.slice(2)
const clock = () => new Date()
const store = await openStore(JSON.parse(config) as StoreConfig, {
  clock,
  ids: createIds(clock, systemRandom),
  publish: () => {},
})
say('ready')
const input = createInterface({ input: process.stdin })
await input[Symbol.asyncIterator]().next()
input.close()
await tasks[task]?.(store, Number(rounds))
await store.close()
