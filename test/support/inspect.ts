/** Rules for every page and every visitor: at any width, in both color schemes. */
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type axe from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { expect } from 'vitest'
import { newContext } from './browser.ts'

/** A folder for screenshots of every page: `VINCULUM_SHOTS=/tmp/vinculum-shots npx vitest …`. */
const shots = process.env.VINCULUM_SHOTS

/** `npm run bench:pages` inspects every page in each combination of language and color scheme. */
export const isComplete = process.env.VINCULUM_PAGES === 'complete'

/** Half as much for each page to read as with the comments of the inspector. */
const inspector = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const dresses = ['light', 'dark'] as const
type ColorScheme = (typeof dresses)[number]
export const languages = ['en', 'pt'] as const
export type Language = (typeof languages)[number]
/**
 * For a page that is visited in both languages. Colors are the same in both, and most faults of a page are in all its
 * four combinations; the suite inspects two of them, which cover each language and each scheme.
 */
export const schemesIn = (language: Language): readonly ColorScheme[] =>
  isComplete ? dresses : [language === 'en' ? 'light' : 'dark']
/** For any other page: they take turns. One name has always the same turn, so that a failure can be repeated. */
const schemesOf = (name: string): readonly ColorScheme[] =>
  isComplete ? dresses : [name.length % 2 === 0 ? 'light' : 'dark']

/**
 * What is inspected of the page with this number, which the suite inspects in one language: these take turns. In the
 * other language it is only laid out, since nothing but the length of its words differs.
 */
export const depthOf = (nth: number, language: Language): 'inspect' | 'measure' =>
  isComplete || languages[nth % 2] === language ? 'inspect' : 'measure'
/** WCAG 2.2, levels A and AA, and the best practices of the inspector. */
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** Read from the page by the browser itself. */
const measure = (page: Page) =>
  page.evaluate(() => {
    const { documentElement: root } = document
    const headings = Array.from(document.querySelectorAll('h1, h2, h3, h4')).map(({ tagName }) => Number(tagName[1]))
    // In running text a link is as high as its line (WCAG 2.5.8, exception «inline»); a checkbox or a radio button has its label.
    const targets = Array.from(
      document.querySelectorAll('button, a, select, summary, input:not([type=hidden], [type=checkbox], [type=radio])'),
    ).filter((each) => each.getClientRects().length > 0 && !each.closest('.skip, dt, dd, article, p:not(.actions)'))
    return {
      overflow: root.scrollWidth - root.clientWidth,
      lang: root.lang,
      title: document.title,
      main: document.querySelectorAll('main').length,
      // Whatever belongs together on a page of an area is in one frame.
      unframed: document.querySelectorAll('.area main > section:not(.panel), .area main > form > section:not(.panel)')
        .length,
      h1: headings.filter((level) => level === 1).length,
      skipped: headings.filter((level, index) => level > (headings[index - 1] ?? 0) + 1),
      unlabelled: Array.from(document.querySelectorAll<HTMLInputElement>('input:not([type=hidden])'))
        .filter(({ labels }) => labels?.length !== 1)
        .map(({ outerHTML }) => outerHTML),
      small: targets
        .filter((each) => each.getBoundingClientRect().height < 44 || each.getBoundingClientRect().width < 44)
        .map(({ outerHTML }) => outerHTML),
    }
  })

/**
 * What a page looks like: its document, without the values that nobody sees. Pages with equal looks are one page to a
 * reader, such as the sign-in page in place of each page that requires a user.
 */
export const looksOf = (html: string): string =>
  html.replaceAll(/(<input [^>]*?type="hidden"[^>]*?|<(?:a|form) [^>]*?)(?<= )(?:value|href|action)="[^"]*"/g, '$1')

const inOrder = { overflow: 0, main: 1, unframed: 0, h1: 1, skipped: [], unlabelled: [], small: [] }

/** At the narrowest and the widest common screen. */
export async function expectInOrder(page: Page, name: string): Promise<void> {
  const before = page.viewportSize()
  for (const [width, height] of [
    [1280, 800],
    [320, 780],
  ] as const) {
    // The height is for pictures only.
    if (shots || page.viewportSize()?.width !== width) await page.setViewportSize({ width, height })
    const measured = await measure(page)
    expect(measured, `${name} at ${width}`).toMatchObject(inOrder)
    expect(measured.lang, name).toMatch(/^(en|pt-BR)$/)
    expect(measured.title, name).toMatch(/\S — Vinculum$/)
  }
  if (shots) await photograph(page, `${shots}/${name}`)
  if (before) await page.setViewportSize(before)
}

/** As on a common phone and a common desktop. The narrowest screen is for the rules only. */
async function photograph(page: Page, path: string): Promise<void> {
  mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true })
  for (const width of [360, 1280]) {
    await page.setViewportSize({ width, height: 800 })
    // As the script of the page does at this width.
    await page.locator('.side [aria-current]').evaluateAll(([current]) => current?.scrollIntoView({ inline: 'center' }))
    await page.evaluate(() => scrollTo(0, 0))
    for (const colorScheme of dresses) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.screenshot({ path: `${path}-${width}-${colorScheme}.png`, fullPage: true })
    }
  }
  await page.emulateMedia({ colorScheme: null })
}

/**
 * The complete inspection. The inspector is not injected into the page, whose policy forbids it and whose scripts may be
 * off: it reads a copy. It is loaded once for all copies, which takes longer than an inspection.
 */
export async function inspect(
  page: Page,
  name: string,
  colorSchemes: readonly ColorScheme[] = schemesOf(name),
): Promise<void> {
  await expectInOrder(page, name)
  const browser = page.context().browser()
  if (!browser) throw new Error('a page of no browser')
  const desk = await deskOf(browser)
  const viewport = page.viewportSize()
  if (viewport) await desk.setViewportSize(viewport)
  await lay(desk, await copyOf(page), page.url())
  await lookAt(desk, name, colorSchemes)
}

const desks = new WeakMap<Browser, Promise<Page>>()
/** A page without a policy, with the inspector, for copies of pages of this browser. */
function deskOf(browser: Browser): Promise<Page> {
  const known = desks.get(browser)
  if (known) return known
  const opened = openDesk(browser)
  desks.set(browser, opened)
  return opened
}
async function openDesk(browser: Browser): Promise<Page> {
  // A color in transition would be measured as its final one.
  const context = await newContext(browser, { reducedMotion: 'reduce' })
  const page = await context.newPage()
  await page.setContent('<!doctype html>')
  await page.evaluate(inspector)
  return page
}

const sheets = new Map<string, string>()
async function sheetAt(url: string): Promise<string> {
  const known = sheets.get(url)
  if (known !== undefined) return known
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  const sheet = await response.text()
  sheets.set(url, sheet)
  return sheet
}

/** A copy of this page as its reader sees it. */
const copyOf = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const { documentElement: root } = document
    // In a document that loads nothing.
    const copy = document.implementation.createHTMLDocument().importNode(root, true)
    const all = Array.from(root.querySelectorAll<HTMLElement>('*'))
    for (const [nth, each] of Array.from(copy.querySelectorAll<HTMLElement>('*')).entries()) {
      const original = all[nth]
      if (original === document.activeElement) each.dataset.focused = ''
      if (original instanceof HTMLImageElement) {
        const { naturalWidth: width, naturalHeight: height } = original
        const empty = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"/>`
        // A picture of the service may not be shown elsewhere; one that could not be loaded stays so.
        if (width > 0) each.setAttribute('src', `data:image/svg+xml,${encodeURIComponent(empty)}`)
      }
      if (original instanceof HTMLInputElement) {
        if (original.type !== 'file') each.setAttribute('value', original.value)
        each.toggleAttribute('checked', original.checked)
      }
      if (original instanceof HTMLOptionElement) each.toggleAttribute('selected', original.selected)
    }
    return copy.outerHTML
  })

/** Replaces what is on the desk with this document of the service, which runs and loads nothing there. */
async function lay(desk: Page, html: string, base: string): Promise<void> {
  const [, href] = /<link[^>]* rel="stylesheet"[^>]* href="([^"]+)"/.exec(html) ?? []
  if (href === undefined) throw new Error(`${base} has no stylesheet`)
  const sheet = await sheetAt(new URL(href, base).href)
  await desk.evaluate(
    async ([html, sheet]) => {
      const { documentElement: root } = new DOMParser().parseFromString(html, 'text/html')
      for (const each of root.querySelectorAll('script, noscript, picture > source, link')) each.remove()
      const style = document.createElement('style')
      style.textContent = sheet
      root.querySelector('head')?.append(style)
      document.documentElement.replaceWith(root)
      root.querySelector<HTMLElement>('[data-focused]')?.focus()
      await Promise.all(Array.from(document.images, (image) => image.decode().catch(() => undefined)))
    },
    [html, sheet] as const,
  )
}

/** For a document at this URL that no page has loaded: its layout, as it is before any script. */
export async function expectCopyInOrder(browser: Browser, html: string, url: string, name: string): Promise<void> {
  const desk = await deskOf(browser)
  await lay(desk, html, url)
  await expectInOrder(desk, name)
}

async function lookAt(page: Page, name: string, colorSchemes: readonly ColorScheme[]): Promise<void> {
  for (const colorScheme of colorSchemes) {
    await page.emulateMedia({ colorScheme })
    const found = await page.evaluate(
      async ([runOnly, preload]) => {
        const { run } = (globalThis as unknown as { axe: typeof axe }).axe
        // The rest is not read: the nodes that pass, and where each node is. Only sound and video are preloaded.
        const { passes, violations } = await run({ runOnly, preload, resultTypes: ['violations'], selectors: false })
        return {
          looked: passes.length,
          violations: violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`),
        }
      },
      [tags, isComplete] as const,
    )
    expect(found.violations, `${name}, ${colorScheme}`).toEqual([])
    expect(found.looked, name).toBeGreaterThan(10)
  }
}
