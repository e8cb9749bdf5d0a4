import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { launchBrowser, visit, type Watched } from './browser.ts'

/**
 * Visitors for the tests of a whole file, all in one browser. Each leaves after its test, and no browser may have
 * reported an error.
 */
export function visitors(): (known: readonly string[], options: BrowserContextOptions) => Promise<Watched> {
  let browser: Browser | undefined
  const here: Watched[] = []
  beforeAll(async () => {
    browser = await launchBrowser()
  }, 60_000)
  afterAll(() => browser?.close())
  afterEach(async () => {
    const leaving = here.splice(0)
    await Promise.all(leaving.map((visitor) => visitor.close()))
    expect(leaving.flatMap(({ complaints }) => complaints)).toEqual([])
  })
  return async (known, options) => {
    if (!browser) throw new Error('the browser starts with the first test')
    const visitor = await visit(browser, known, options)
    here.push(visitor)
    return visitor
  }
}
