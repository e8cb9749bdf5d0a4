import type { Page } from 'playwright-core'

/** The focused element as its reader knows it: a field by its name, anything else by its text. */
const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const element = document.activeElement
    const field = element instanceof HTMLInputElement || element instanceof HTMLSelectElement
    return (field ? element.name : (element?.textContent ?? '')).trim()
  })

/**
 * With the keyboard alone: presses Tab until an element with this name, or a text that begins with it, has the focus.
 */
export async function tabTo(page: Page, name: string): Promise<void> {
  for (let stop = 0; stop < 80; stop++) {
    await page.keyboard.press('Tab')
    if ((await focused(page)).startsWith(name)) return
  }
  throw new Error(`${name} cannot be reached with the keyboard at ${page.url()}`)
}
