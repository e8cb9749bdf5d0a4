/** A real Chromium, because only a browser shows the effect of a Content-Security-Policy, a cookie or a focus ring. */
import chromium from '@sparticuz/chromium'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium as playwright } from 'playwright-core'

// Meant for a cloud function that takes one picture. The first ends the browser with its first visitor; the next three
// disable what is tested here.
const unwanted = [
  '--single-process',
  '--disable-web-security',
  '--allow-running-insecure-content',
  '--disable-site-isolation-trials',
  // An imitated graphics card: it costs a third of the CPU of a page, and no page of ours draws with WebGL.
  '--ignore-gpu-blocklist',
  '--in-process-gpu',
  '--use-gl=angle',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  // A process that is forked from a loaded one costs a third of one that loads itself, and each visitor has their own.
  '--no-zygote',
]
const wanted = [
  '--disable-background-networking',
  '--disable-gpu',
  '--disable-software-rasterizer',
  // Otherwise each visitor has one process for the empty page, and one for the first site.
  '--renderer-process-limit=1',
]

export const launchBrowser = async (): Promise<Browser> =>
  playwright.launch({
    executablePath: await chromium.executablePath(),
    args: [...chromium.args.filter((arg) => !unwanted.includes(arg)), ...wanted],
    headless: true,
    timeout: 120_000,
  })

let shared: Promise<Browser> | undefined
/**
 * The browser of all test files of a worker, which close their own visitors. It ends with its worker: Playwright closes
 * it on SIGTERM, and it closes itself when the pipe to its worker breaks.
 */
export const sharedBrowser = (): Promise<Browser> => {
  shared ??= launchBrowser().catch((error: unknown) => {
    // The next file tries again.
    shared = undefined
    throw error
  })
  return shared
}

/** Playwright’s limit of 30 s is too short for a machine that is busy with other work. */
export async function newContext(browser: Browser, options: BrowserContextOptions = {}): Promise<BrowserContext> {
  const context = await browser.newContext(options)
  context.setDefaultTimeout(60_000)
  return context
}

export type Watched = BrowserContext & {
  /** The browser's complaints: violated policies, console errors, external requests. */
  readonly complaints: string[]
}

/** An account that a test creates has the language of that request. A device where Portuguese was chosen keeps it. */
export async function chooseLanguage(
  context: BrowserContext,
  [url]: readonly string[],
  { locale }: BrowserContextOptions,
): Promise<void> {
  if (locale === 'pt-BR' && url !== undefined)
    await context.addCookies([{ name: 'vinculum_language', value: 'pt-BR', url }])
}

/** A visitor with a separate browser. Every browser complaint is recorded, and every host it contacts. */
export async function visit(
  browser: Browser,
  known: readonly string[],
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await newContext(browser, options)
  await chooseLanguage(context, known, options)
  const complaints: string[] = []
  context.on('console', (message) => {
    // Chromium reports every 4xx response as a network error; a refusal is no defect of the page.
    const refusal = message.text().startsWith('Failed to load resource: the server responded with a status of 4')
    if (['error', 'warning'].includes(message.type()) && !refusal) complaints.push(message.text())
  })
  context.on('weberror', (error) => complaints.push(error.error().message))
  context.on('request', (request) => {
    const { origin, protocol } = new URL(request.url())
    if (protocol.startsWith('http') && !known.includes(origin)) complaints.push(`asked ${request.url()}`)
  })
  return Object.assign(context, { complaints })
}
