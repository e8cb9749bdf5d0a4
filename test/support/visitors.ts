import type { BrowserContext, BrowserContextOptions } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { chooseLanguage, sharedBrowser, visit, type Watched } from './browser.ts'
import { cookiesOf, type World } from './service.ts'

/**
 * Visitors for the tests of a whole file, all in the browser of the worker. Each leaves after its test, and no browser
 * may have reported an error.
 *
 * The next visitor with the same options gets what is left: no page, no cookie and no permission, but the process that
 * draws, whose start costs as much as two pages. An empty page keeps it. The service stores nothing else in a browser.
 */
export function visitors(): (known: readonly string[], options: BrowserContextOptions) => Promise<Watched> {
  const here: { readonly kind: string; readonly visitor: Watched }[] = []
  const left = new Map<string, Watched[]>()
  // A test need not wait for its launch.
  beforeAll(async () => void (await sharedBrowser()))
  afterAll(async () => {
    await Promise.all([...left.values()].flat().map((visitor) => visitor.close()))
  })
  afterEach(async () => {
    const leaving = here.splice(0)
    const complaints = await Promise.all(
      leaving.map(async ({ kind, visitor }) => {
        const [kept, ...others] = visitor.pages()
        await Promise.all(others.map((page) => page.close()))
        // Its last page may still have something to report.
        await kept?.goto('about:blank')
        await Promise.all([visitor.clearCookies(), visitor.clearPermissions()])
        left.set(kind, [...(left.get(kind) ?? []), visitor])
        return visitor.complaints.splice(0)
      }),
    )
    expect(complaints.flat()).toEqual([])
  })
  return async (known, options) => {
    const kind = JSON.stringify([known, options])
    const former = left.get(kind)?.pop()
    if (former) await chooseLanguage(former, known, options)
    const visitor = former ?? (await visit(await sharedBrowser(), known, options))
    here.push({ kind, visitor })
    return visitor
  }
}

/** Signs a user of Google in, where signing in is not what is tested: with the session of a sign-in without a page. */
export async function giveSession(world: World, visitor: BrowserContext, who: string): Promise<void> {
  const { vinculum_session: value = '' } = cookiesOf((await world.openBrowser().signIn('google', who)).headers)
  expect(value).not.toBe('')
  await visitor.addCookies([{ name: 'vinculum_session', value, url: world.base }])
}
