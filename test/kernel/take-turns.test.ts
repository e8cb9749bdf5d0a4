import { expect, test } from 'vitest'
import { takeTurns } from '../../src/kernel/take-turns.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

const { clock, turn } = createStoppedClock()
/** A queue in memory whose slices have so many receivers, and what `takeTurns` takes from it. */
function turnsOf(items: Record<string, number>, sliceSize = 200) {
  let lists = 0
  const isDue = (name: string): boolean => (items[name] ?? 0) > 0
  const queue = {
    receivers: async (_at: Date, after: string | null) => {
      lists += 1
      const names = Object.keys(items)
        .sort()
        .filter((name) => after === null || name > after)
        .slice(0, sliceSize)
      return { due: names.filter(isDue), next: names[sliceSize - 1] ?? null }
    },
    take: async (_limit: number, _at: Date, _until: Date, name: string) => {
      if (!isDue(name)) return []
      items[name] = (items[name] ?? 0) - 1
      return [name]
    },
  }
  const next = takeTurns(queue, clock, 60)
  const take = async (many: number, paused: readonly string[] = []): Promise<string> => {
    const taken: (string | undefined)[] = []
    for (let n = 0; n < many; n++) taken.push((await next((name) => paused.includes(name)))?.item)
    return taken.map((name) => name ?? '-').join('')
  }
  return { take, queue, lists: () => lists }
}

test('each receiver has a turn before one has a second', async () => {
  const { take } = turnsOf({ a: 5, b: 2, c: 3 })
  expect(await take(11)).toBe('abcabcacaa-')
})

test('a receiver that becomes due has its turn within a second, although another has always more', async () => {
  const items: Record<string, number> = { a: 1000 }
  const { take, lists } = turnsOf(items)
  expect(await take(9)).toBe('aaaaaaaaa')
  expect(lists()).toBe(1)
  items.b = 2
  turn(1)
  expect(await take(4)).toMatch(/^a?bab?/)
})

test('a paused receiver is passed over, and has its turn afterwards', async () => {
  const { take } = turnsOf({ a: 2, b: 2 })
  expect(await take(3, ['a'])).toBe('bb-')
  expect(await take(3)).toBe('aa-')
})

test('slices have their turns one after another, although a receiver in the first has always more', async () => {
  const { take } = turnsOf({ a: 1000, b: 0, c: 2, d: 0, e: 1 }, 2)
  expect(await take(3)).toBe('aaa')
  turn(1)
  expect(await take(2)).toBe('cc')
  expect(await take(2)).toBe('ea')
})

test('nothing is found only after a walk through all receivers, from the first one to the last', async () => {
  const items: Record<string, number> = { a: 0, b: 0, c: 1, d: 0, e: 0 }
  const { take, lists } = turnsOf(items, 1)
  expect(await take(1)).toBe('c')
  items.a = 1
  expect(await take(2)).toBe('a-')
  const before = lists()
  expect(await take(1)).toBe('-')
  // The slice after the last receiver is empty.
  expect(lists() - before).toBe(6)
})

test('a walk ends although other nodes take everything that becomes due', async () => {
  const { queue } = turnsOf({})
  const receivers = async (_at: Date, after: string | null) => ({ due: ['a', 'b'], next: after === null ? 'b' : null })
  const next = takeTurns({ ...queue, receivers }, clock, 60)
  expect(await next(() => false)).toBeUndefined()
})

test('other work of the process has its turn between two slices', async () => {
  let turns = 0
  const count = () => {
    turns += 1
    counting = setImmediate(count)
  }
  let counting = setImmediate(count)
  const names = Array.from({ length: 100 }, (_, n) => [String(n), 0] as const)
  const { take, lists } = turnsOf(Object.fromEntries(names), 1)
  expect(await take(1)).toBe('-')
  clearImmediate(counting)
  expect(lists()).toBe(101)
  expect(turns).toBeGreaterThanOrEqual(100)
})

test('after an error, receivers are read from the first one again', async () => {
  const { queue } = turnsOf({ a: 0, b: 0, c: 1 }, 1)
  let isBroken = true
  const receivers = async (at: Date, after: string | null) => {
    if (after === 'a' && isBroken) throw new Error('the database is unavailable')
    return queue.receivers(at, after)
  }
  const next = takeTurns({ ...queue, receivers }, clock, 60)
  await expect(next(() => false)).rejects.toThrow('the database is unavailable')
  isBroken = false
  expect(await next(() => false)).toEqual({ receiver: 'c', item: 'c' })
})
