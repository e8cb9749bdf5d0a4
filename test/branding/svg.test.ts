/** What an SVG may contain before it is served to everyone who signs in. */
import { syncBuiltinESMExports } from 'node:module'
import threads from 'node:worker_threads'
import { expect, onTestFinished, test } from 'vitest'
import { checkPicture } from '../../src/branding/picture.ts'
import { sanitizeNow } from '../../src/branding/sanitize.js'
import { hostileSvgs, svg } from '../support/hostile-svgs.ts'

const read = (file: string | Buffer): string => {
  const done = sanitizeNow(Buffer.from(file))
  return 'svg' in done ? done.svg : done.reason
}

test('what draws a logo stays as it is', () => {
  const drawing = svg(
    '<title>Acme</title><defs><linearGradient id="title"><stop offset="0" stop-color="#f00"/></linearGradient>' +
      '<clipPath id="c"><circle cx="4" cy="4" r="4"/></clipPath><filter id="f"><feGaussianBlur stdDeviation="1"/></filter></defs>' +
      '<style>.a{fill:url(#title)} @media (prefers-color-scheme: dark){.a{fill:#fff}}</style>' +
      '<g clip-path="url(#c)" transform="scale(2)"><path class="a" d="M0 0h10v10z" style="opacity:.5"/></g>' +
      '<text x="1" y="2" font-family="Arial" filter="url(#f)">Acme</text>',
    ' viewBox="0 0 10 10"',
  )
  expect(read(drawing)).toBe(drawing)
  const prologue =
    '<?xml version="1.0" encoding="iso-8859-1"?>\n<!-- Generator: a program -->\n' +
    '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">\n'
  expect(read(`\ufeff${prologue}${drawing}`)).toBe(drawing)
})

/** What no served picture may contain, however it is written. */
const dangerous =
  /script|javascript|\bon\w+\s*=|foreignobject|<iframe|<img|<image|<use|<a[\s>]|<animate|<set|https?:(?!\/\/www\.w3\.org\/)|data:|@import|@font|<!|<\?|&\w+;/i

const servable = hostileSvgs.filter(({ reason }) => reason === undefined)
test.each(servable)('an SVG with $name is served without it', ({ file }) => {
  const found = read(file)
  expect(found).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/)
  expect(found).not.toMatch(dangerous)
})

/** Refused before the thread starts. */
const early: ReadonlySet<string | undefined> = new Set(['too_many_bytes', 'too_complex'])
const refused = hostileSvgs.filter(({ reason }) => reason !== undefined)
test.each(refused)('an SVG with $name is refused', async ({ file, reason }) => {
  const isUtf16 = Buffer.isBuffer(file) && file.includes(0)
  if (!early.has(reason) && !isUtf16) expect(read(file)).toBe(reason)
  else expect(await checkPicture(Buffer.from(file))).toMatchObject({ ok: false, error: { reason } })
})

test('the thread returns what is left', async () => {
  const picture = await checkPicture(Buffer.from(svg('<script>a()</script><path/>')))
  expect(picture).toEqual({ ok: true, value: { contentType: 'image/svg+xml', body: Buffer.from(svg('<path/>')) } })
})

test('an SVG is busy, and not a defect, while the process can start no thread', async () => {
  const check = () => checkPicture(Buffer.from(svg('<path/>')))
  const { Worker } = threads
  const replaceWith = (other: typeof Worker): void => {
    threads.Worker = other
    syncBuiltinESMExports()
  }
  onTestFinished(() => replaceWith(Worker))
  replaceWith(
    class {
      constructor() {
        throw Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' })
      }
    } as unknown as typeof Worker,
  )
  // More than may wait: none of them stays in the queue.
  for (let n = 0; n < 6; n++)
    await expect(check()).rejects.toMatchObject({ name: 'BusyError', cause: { code: 'ERR_WORKER_INIT_FAILED' } })
  replaceWith(Worker)
  expect(await check()).toMatchObject({ ok: true })
})

test('a sanitized picture is not changed again', () => {
  for (const { file } of servable) {
    const sanitized = read(file)
    expect(read(sanitized)).toBe(sanitized)
  }
})
