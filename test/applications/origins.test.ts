import { expect, test } from 'vitest'
import { createOrigins } from '../../src/applications/origins.ts'
import { BusyError } from '../../src/kernel/busy.ts'
import { Limit, requestLimit, withinLimit } from '../../src/kernel/limit.ts'

test('the origins of applications are read although the request that asked first has ended', async () => {
  let answer = (): void => undefined
  const answered = new Promise<void>((resolve) => {
    answer = resolve
  })
  const defects: unknown[] = []
  const origins = createOrigins({
    applications: {
      // As the store does.
      async corsOrigins() {
        await answered
        if (requestLimit()?.isOver()) throw new BusyError('the store', 1)
        return new Set(['https://app.example'])
      },
    },
    clock: () => new Date(),
    onDefect: (error) => defects.push(error),
  })
  const over = withinLimit(new Limit(0), origins.refresh)
  const inTime = withinLimit(new Limit(60_000), origins.refresh)
  answer()
  await Promise.allSettled([over, inTime])
  expect(origins.has('https://app.example')).toBe(true)
  expect(defects).toEqual([])
})
