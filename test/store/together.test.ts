import { describe, expect, test } from 'vitest'
import { together } from '../../src/store/together.ts'

type Call = { readonly id: string; readonly at?: number }

/** A statement that finds every id but those given, and remembers what it was asked. */
function asking({ fails = [], unknown = [] }: { fails?: readonly string[]; unknown?: readonly string[] } = {}) {
  const asked: string[][] = []
  const compared: string[] = []
  const call = together(
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

describe('calls of one turn', () => {
  test('share a statement, and each is answered with its own row', async () => {
    const { call, asked } = asking({ unknown: ['b'] })
    expect(await Promise.all(['c', 'a', 'b'].map((id) => call({ id })))).toEqual([
      { id: 'c', of: 1 },
      { id: 'a', of: 1 },
      undefined,
    ])
    expect(asked).toEqual([['c', 'a', 'b']])
  })

  test('share one only with those they are alike with', async () => {
    const { call, asked } = asking()
    await Promise.all([call({ id: 'a', at: 1 }), call({ id: 'b', at: 2 }), call({ id: 'c', at: 1 })])
    expect(asked).toEqual([['a', 'c'], ['b']])
  })

  test('for the same row are asked one statement each', async () => {
    const { call, asked } = asking()
    await Promise.all(['a', 'b', 'a', 'a'].map((id) => call({ id })))
    expect(asked).toEqual([['a', 'b'], ['a'], ['a']])
  })

  test('for the same row cost no more each, however many there are', async () => {
    const { call, asked, compared } = asking()
    await Promise.all(Array.from({ length: 200 }, () => call({ id: 'a' })))
    expect(asked).toEqual(Array(200).fill(['a']))
    expect(compared).toHaveLength(200)
  })

  test('are not kept waiting for those of the next', async () => {
    const { call, asked } = asking()
    await call({ id: 'a' })
    await call({ id: 'b' })
    expect(asked).toEqual([['a'], ['b']])
  })

  test('that fail, fail together, and nobody else', async () => {
    const { call } = asking({ fails: ['b'] })
    const told = await Promise.allSettled([call({ id: 'a' }), call({ id: 'b' }), call({ id: 'c', at: 1 })])
    expect(told.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
    expect(await call({ id: 'a' })).toEqual({ id: 'a', of: 3 })
  })
})
