import type { BrowserContextOptions } from 'playwright-core'
import { afterEach, beforeAll, expect } from 'vitest'
import { sharedBrowser, visit, type Watched } from './browser.ts'

/**
 * Visitors for the tests of a whole file, all in the browser of the worker. Each leaves after its test, and no browser may have
 * reported an error.
 */
export function visitors(): (known: readonly string[], options: BrowserContextOptions) => Promise<Watched> {
  const here: Watched[] = []
  // A test need not wait for its launch.
  beforeAll(async () => void (await sharedBrowser()), 60_000)
  afterEach(async () => {
    const leaving = here.splice(0)
    await Promise.all(leaving.map((visitor) => visitor.close()))
    expect(leaving.flatMap(({ complaints }) => complaints)).toEqual([])
  })
  return async (known, options) => {
    const visitor = await visit(await sharedBrowser(), known, options)
    here.push(visitor)
    return visitor
  }
}
