/**
 * A process of its own on somebody else's database, for races that share nothing but it, and for dying in the
 * middle of writing. What it has to say it writes to stdout, a line at a time and at once.
 */
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { createScheduler } from '../../src/jobs/scheduler.ts'
import { createIds, systemRandom } from '../../src/kernel/ids.ts'
import { openStore, type Store, type StoreConfig } from '../../src/store/open.ts'
import { account, flow, identity, later, now } from './people.ts'

const say = (value: unknown): void => void writeSync(1, `${JSON.stringify(value)}\n`)

const tasks: Record<string, (store: Store, rounds: number) => Promise<void>> = {
  /** Tries every generation in turn: whoever loses one knows that it is over. Says which it won. */
  async rotate(store, rounds) {
    for (let generation = 0; generation < rounds; generation++)
      if (await store.sessions.rotate('ses_shared', generation, now, later(900))) say(generation)
  },
  /** Signs the same people in for the first time. Says for whom it opened an account. */
  async signIn(store, rounds) {
    for (let n = 0; n < rounds; n++) {
      const person = account({ email: `p${n}@example.com`, emailVerified: true })
      const way = identity(person.id, { subject: `s${n}`, provider: n % 2 ? 'github' : `from-${process.pid}` })
      if (await store.accounts.create(person, way, { separate: false }, [])) say(n)
    }
  },
  /** Runs a job that nodes share, each second, until there were so many rounds between them. Says when it began each. */
  async schedule(store, rounds) {
    const scheduler = createScheduler({
      jobs: [{ name: 'sweep', everySeconds: 1, shared: true, work: async () => say(Date.now()) }],
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
  /** Writes until it is killed, several at a time. Says what was acknowledged, once it was. */
  async write(store) {
    const chain = async (): Promise<never> => {
      for (;;) {
        const begun = flow()
        await store.flows.begin(begun)
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
