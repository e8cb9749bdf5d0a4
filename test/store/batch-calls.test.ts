import { describe, expect, test } from 'vitest'
import { BusyError } from '../../src/kernel/busy.ts'
import { Limit, withinLimit } from '../../src/kernel/limit.ts'
import { batchCalls } from '../../src/store/batch-calls.ts'

type Call = { readonly id: string; readonly at?: number }

/** A statement that finds every ID except those given, and records its parameters. */
function asking({ fails = [], unknown = [] }: { fails?: readonly string[]; unknown?: readonly string[] } = {}) {
  const asked: string[][] = []
  const compared: string[] = []
  const call = batchCalls(
    (run) => setImmediate(run),
    ({ id, at = 0 }: Call) => {
      compared.push(id)
      return String(at)
    },
    async (calls) => {
      const ids = calls().map(({ id }) => id)
      asked.push(ids)
      if (ids.some((id) => fails.includes(id))) throw new Error(`refused: ${ids}`)
      return ids.filter((id) => !unknown.includes(id)).map((id) => ({ id, of: asked.length }))
    },
  )
  return { call, asked, compared }
}

describe('calls in one turn of the event loop', () => {
  test('share a statement, and each gets its own row', async () => {
    const { call, asked } = asking({ unknown: ['b'] })
    expect(await Promise.all(['c', 'a', 'b'].map((id) => call({ id })))).toEqual([
      { id: 'c', of: 1 },
      { id: 'a', of: 1 },
      undefined,
    ])
    expect(asked).toEqual([['c', 'a', 'b']])
  })

  test('share a statement only with similar calls', async () => {
    const { call, asked } = asking()
    await Promise.all([call({ id: 'a', at: 1 }), call({ id: 'b', at: 2 }), call({ id: 'c', at: 1 })])
    expect(asked).toEqual([['a', 'c'], ['b']])
  })

  test('for the same row run in one statement each', async () => {
    const { call, asked } = asking()
    await Promise.all(['a', 'b', 'a', 'a'].map((id) => call({ id })))
    expect(asked).toEqual([['a', 'b'], ['a'], ['a']])
  })

  test('for the same row have a constant cost each', async () => {
    const { call, asked, compared } = asking()
    await Promise.all(Array.from({ length: 200 }, () => call({ id: 'a' })))
    expect(asked).toEqual(Array(200).fill(['a']))
    expect(compared).toHaveLength(200)
  })

  test('do not wait for calls of the next turn', async () => {
    const { call, asked } = asking()
    await call({ id: 'a' })
    await call({ id: 'b' })
    expect(asked).toEqual([['a'], ['b']])
  })

  test('gather while a statement is in progress, but not for long when it hangs', async () => {
    const asked: { ids: string[]; finish: () => void }[] = []
    const call = batchCalls(
      (run) => setImmediate(run),
      () => '',
      (calls: () => readonly Call[]) => {
        const ids = calls().map(({ id }) => id)
        return new Promise<{ id: string }[]>((resolve) => {
          asked.push({ ids, finish: () => resolve(ids.map((id) => ({ id }))) })
        })
      },
      undefined,
      1,
    )
    const all = ['a', 'b'].map((id) => call({ id }))
    await expect.poll(() => asked.length).toBe(1)
    all.push(call({ id: 'c' }))
    await new Promise((resolve) => setImmediate(resolve))
    all.push(call({ id: 'd' }))
    asked[0]?.finish()
    await expect.poll(() => asked.length).toBe(2)
    // The second batch hangs, and later calls do not wait for it.
    all.push(call({ id: 'e' }))
    await expect.poll(() => asked.map(({ ids }) => ids)).toEqual([['a', 'b'], ['c', 'd'], ['e']])
    for (const { finish } of asked) finish()
    expect((await Promise.all(all)).map((row) => row?.id)).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('are dropped from a statement that was not sent yet when nobody waits for them any more', async () => {
    const sent: string[][] = []
    const call = batchCalls(
      (run) => setImmediate(run),
      () => '',
      async (calls: () => readonly Call[]) => {
        // As long as it waits for a connection.
        await expect.poll(() => late.isOver()).toBe(true)
        sent.push(calls().map(({ id }) => id))
        return (sent[0] ?? []).map((id) => ({ id }))
      },
    )
    const late = new Limit(20)
    const gone = withinLimit(late, () => call({ id: 'a' }))
    const stays = withinLimit(new Limit(60_000), () => call({ id: 'b' }))
    await expect(gone).rejects.toBeInstanceOf(BusyError)
    expect(await stays).toEqual({ id: 'b' })
    expect(sent).toEqual([['b']])
  })

  test('without a row are repeated alone, each with its own response', async () => {
    const alone: string[] = []
    const call = batchCalls(
      (run) => setImmediate(run),
      () => '',
      async (calls: () => readonly Call[]) => calls().filter(({ id }) => id === 'a'),
      async (asked) => {
        alone.push(asked.id)
        return asked.id === 'b' ? asked : undefined
      },
    )
    expect(await Promise.all(['a', 'b', 'c'].map((id) => call({ id })))).toEqual([{ id: 'a' }, { id: 'b' }, undefined])
    expect(alone).toEqual(['b', 'c'])
  })

  test('that fail, fail together, without affecting others', async () => {
    const { call } = asking({ fails: ['b'] })
    const told = await Promise.allSettled([call({ id: 'a' }), call({ id: 'b' }), call({ id: 'c', at: 1 })])
    expect(told.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
    expect(await call({ id: 'a' })).toEqual({ id: 'a', of: 3 })
  })
})
