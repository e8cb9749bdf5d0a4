import { expect, test } from 'vitest'
import { BusyError } from '../../src/kernel/busy.ts'
import { doEach } from '../../src/kernel/do-each.ts'

const doing = async (results: readonly ('done' | Error)[]) => {
  const seen: number[] = []
  const failures = await doEach([...results.keys()], async (item) => {
    seen.push(item)
    const result = results[item]
    if (result instanceof Error) throw result
  })
  return { seen, failures }
}

test('an item that fails does not stop the others', async () => {
  const [fault, busy] = [new Error('fault'), new BusyError('the store', 5)]
  expect(await doing([fault, 'done', busy, fault, busy, busy, 'done'])).toEqual({
    seen: [0, 1, 2, 3, 4, 5, 6],
    failures: [fault, busy, fault, busy, busy],
  })
})

test('after three items in a row that were busy, the rest is left', async () => {
  const busy = new BusyError('the store', 5)
  expect(await doing(['done', busy, busy, busy, 'done'])).toEqual({ seen: [0, 1, 2, 3], failures: [busy, busy, busy] })
})
