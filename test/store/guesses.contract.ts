import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Guesses } from '../../src/credentials/ports.ts'
import type { Store } from '../../src/store/open.ts'
import { type Backend, later, now, open, sweptIn } from './people.ts'

const account = { key: 'account:usr_ada', counter: 'account' } as const
const network = { key: 'network:203.0.113.7', counter: 'network' } as const

/** Adds one each time, whatever the count was before. */
const count = (_: unknown, known: Guesses | undefined): Guesses => ({
  failures: (known?.failures ?? 0) + 1,
  lastAt: now,
  blockedUntil: now,
})
/** Allows five and no more. */
const five = (_: unknown, known: Guesses | undefined): Guesses | number =>
  (known?.failures ?? 0) >= 5 ? 1000 : count(_, known)

/** What every store promises about its counters of guesses. */
export function guessesContract({ name, emptied }: Backend): void {
  describe(`${name} counts guesses`, () => {
    let store: Store
    let nodes: readonly Store[]
    beforeEach(async () => {
      const config = await emptied()
      store = (await open(config)).store
      nodes = [store, ...(await Promise.all([open(config), open(config)])).map((opened) => opened.store)]
    })
    afterEach(() => Promise.all(nodes.map((node) => node.close())))

    /** The value of a counter, read by taking nothing. */
    const peek = async (...keys: (typeof account | typeof network)[]) => {
      const seen: Record<string, number> = {}
      for (const each of keys)
        await store.guesses.take([each], (_, known) => {
          seen[each.key] = known?.failures ?? 0
          return 1
        })
      return seen
    }

    test('on every key at once', async () => {
      expect(await store.guesses.take([account, network], count)).toBeNull()
      expect(await store.guesses.take([network], count)).toBeNull()
      expect(await peek(account, network)).toEqual({ [account.key]: 1, [network.key]: 2 })
    })

    test('on no key when one refuses, and returns the longest wait', async () => {
      await store.guesses.take([account, network], count)
      const waits = { account: 2000, network: 3000, device: 0 }
      expect(await store.guesses.take([account, network], (counter) => waits[counter])).toBe(3000)
      expect(
        await store.guesses.take([account, network], (counter, known) =>
          counter === 'account' ? count(counter, known) : 500,
        ),
      ).toBe(500)
      expect(await peek(account, network)).toEqual({ [account.key]: 1, [network.key]: 1 })
    })

    test('with full millisecond precision', async () => {
      const known = { failures: 7, lastAt: now, blockedUntil: later(0.123) }
      await store.guesses.take([account], () => known)
      await store.guesses.take([account], (_, kept) => {
        expect(kept).toEqual(known)
        return 1
      })
    })

    test('and subtracts from existing counters only', async () => {
      await store.guesses.take([account], count)
      await store.guesses.take([account], count)
      await store.guesses.change([account, network], (_, known) => ({ ...known, failures: known.failures - 1 }))
      expect(await peek(account, network)).toEqual({ [account.key]: 1, [network.key]: 0 })
    })

    test('until a key is reset, or old keys are swept', async () => {
      await store.guesses.take([account, network], count)
      await store.guesses.erase(account.key)
      expect(await peek(account, network)).toEqual({ [account.key]: 0, [network.key]: 1 })
      expect(await sweptIn(store, 'guesses', now)).toBe(0)
      expect(await sweptIn(store, 'guesses', later(1))).toBe(1)
      expect(await peek(network)).toEqual({ [network.key]: 0 })
    })

    test('so that two hundred concurrent guesses, on several nodes, do not all pass', async () => {
      const taken = await Promise.all(
        Array.from({ length: 200 }, (_, at) => nodes[at % nodes.length]?.guesses.take([account, network], five)),
      )
      expect(taken.filter((wait) => wait === null)).toHaveLength(5)
      expect(await peek(account, network)).toEqual({ [account.key]: 5, [network.key]: 5 })
    })

    test('in any order of keys', async () => {
      await Promise.all(
        Array.from({ length: 60 }, (_, at) =>
          nodes[at % nodes.length]?.guesses.take(at % 2 ? [account, network] : [network, account], count),
        ),
      )
      expect(await peek(account, network)).toEqual({ [account.key]: 60, [network.key]: 60 })
    })
  })
}
