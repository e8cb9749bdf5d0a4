import { expect, test } from 'vitest'
import { takeTurns } from '../../src/kernel/take-turns.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

const { clock, turn } = createStoppedClock()
/** A queue in memory, and what `takeTurns` takes from it. */
function turnsOf(items: Record<string, number>) {
  let lists = 0
  const next = takeTurns(
    {
      receivers: async () => {
        lists += 1
        return Object.keys(items).filter((name) => (items[name] ?? 0) > 0)
      },
      take: async (_limit, _at, _until, name) => {
        const left = items[name] ?? 0
        items[name] = left - 1
        return left > 0 ? [name] : []
      },
    },
    clock,
    60,
  )
  const take = async (many: number, paused: readonly string[] = []): Promise<string> => {
    const taken: (string | undefined)[] = []
    for (let n = 0; n < many; n++) taken.push((await next((name) => paused.includes(name)))?.item)
    return taken.map((name) => name ?? '-').join('')
  }
  return { take, lists: () => lists }
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
