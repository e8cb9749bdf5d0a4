import { expect, test, vi } from 'vitest'
import { withWarnings } from '../../src/openid/warnings.ts'

const { console: output } = globalThis

test('warnings of the engine go to our log, and every other text stays on the console', async () => {
  const written: unknown[] = []
  const warn = vi.spyOn(output, 'warn').mockImplementation((...args) => void written.push(args))
  const warnings: string[] = []
  const spy = output.warn
  const loaded = await withWarnings(
    (text) => warnings.push(text),
    async () => {
      output.warn('\u001b[31;1moidc-provider WARNING: Unsupported runtime.')
      output.warn('another', 1)
      return 'loaded'
    },
  )
  expect(loaded).toBe('loaded')
  expect(warnings).toEqual(['Unsupported runtime.'])
  expect(written).toEqual([['another', 1]])
  expect(output.warn).toBe(spy)
  await expect(
    withWarnings(
      () => undefined,
      () => Promise.reject(new Error('broken')),
    ),
  ).rejects.toThrow('broken')
  expect(output.warn).toBe(spy)
  warn.mockRestore()
})
