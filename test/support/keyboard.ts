import type { Page } from 'playwright-core'

/** What has the focus, as its reader knows it: a field by its name, anything else by its words. */
const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const element = document.activeElement
    const field = element instanceof HTMLInputElement || element instanceof HTMLSelectElement
    return (field ? element.name : (element?.textContent ?? '')).trim()
  })

/** With the keyboard alone: on to the element of this name, or words it begins with, as often as Tab has to be pressed. */
export async function tabTo(page: Page, name: string): Promise<void> {
  for (let stop = 0; stop < 80; stop++) {
    await page.keyboard.press('Tab')
    if ((await focused(page)).startsWith(name)) return
  }
  throw new Error(`${name} cannot be reached with the keyboard at ${page.url()}`)
}
