import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { atMost } from '../../src/kernel/at-most.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('work that ends in time returns its result or its failure, and leaves no timer', async () => {
  expect(await atMost(1000, Promise.resolve('done'), 'late')).toBe('done')
  await expect(atMost(1000, Promise.reject(new Error('no')), 'late')).rejects.toThrow('no')
  expect(vi.getTimerCount()).toBe(0)
})

test('work that does not end is waited for no longer than that', async () => {
  const answer = atMost(1000, new Promise<string>(() => undefined), 'late')
  let isOver = false
  void answer.then(() => {
    isOver = true
  })
  await vi.advanceTimersByTimeAsync(999)
  expect(isOver).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  expect(await answer).toBe('late')
})
