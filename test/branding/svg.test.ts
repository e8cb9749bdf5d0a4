/** What an SVG may contain before it is served to everyone who signs in. */
import { beforeAll, describe, expect, test } from 'vitest'
import { readPicture } from '../../src/branding/picture.ts'
import { hostileSvgs, svg } from '../support/hostile-svgs.ts'

const read = async (file: string | Buffer) => {
  const picture = await readPicture(Buffer.from(file))
  return picture.ok ? picture.value.body.toString() : picture.error.reason
}

test('what draws a logo stays as it is', async () => {
  const drawing = svg(
    '<title>Acme</title><defs><linearGradient id="title"><stop offset="0" stop-color="#f00"/></linearGradient>' +
      '<clipPath id="c"><circle cx="4" cy="4" r="4"/></clipPath><filter id="f"><feGaussianBlur stdDeviation="1"/></filter></defs>' +
      '<style>.a{fill:url(#title)} @media (prefers-color-scheme: dark){.a{fill:#fff}}</style>' +
      '<g clip-path="url(#c)" transform="scale(2)"><path class="a" d="M0 0h10v10z" style="opacity:.5"/></g>' +
      '<text x="1" y="2" font-family="Arial" filter="url(#f)">Acme</text>',
    ' viewBox="0 0 10 10"',
  )
  expect(await read(drawing)).toBe(drawing)
  const prologue =
    '<?xml version="1.0" encoding="iso-8859-1"?>\n<!-- Generator: a program -->\n' +
    '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">\n'
  expect(await read(`\ufeff${prologue}${drawing}`)).toBe(drawing)
})

/** What no served picture may contain, however it is written. */
const dangerous =
  /script|javascript|\bon\w+\s*=|foreignobject|<iframe|<img|<image|<use|<a[\s>]|<animate|<set|https?:(?!\/\/www\.w3\.org\/)|data:|@import|@font|<!|<\?|&\w+;/i

describe.each(hostileSvgs)('an SVG with $name', ({ file, reason }) => {
  let found = ''
  beforeAll(async () => {
    found = await read(file)
  })
  test(reason === undefined ? 'is served without it' : `is refused: ${reason}`, () => {
    if (reason !== undefined) expect(found).toBe(reason)
    else {
      expect(found).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/)
      expect(found).not.toMatch(dangerous)
    }
  })
})

test('a sanitized picture is not changed again', async () => {
  const [first] = hostileSvgs.filter(({ reason }) => reason === undefined)
  const once = await read(first?.file ?? '')
  expect(await read(once)).toBe(once)
})
