import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type BrandTexts, readBrand } from '../../src/branding/settings.ts'
import { png } from '../support/png.ts'

const folder = mkdtempSync(join(tmpdir(), 'brand-'))
const fileOf = (name: string, content: Buffer | string): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
const read = (texts: BrandTexts) => {
  const faults: string[] = []
  return { brand: readBrand(texts, faults), faults }
}

test('without settings, nothing is shown of an operator', () => {
  const pictures = { logo: null, logoDark: null, favicon: null }
  const nothing = { name: null, color: null, ...pictures, supportEmail: null, privacyUrl: null, termsUrl: null }
  expect(read({})).toEqual({ brand: nothing, faults: [] })
})

test.each([
  ['a PNG', 'image/png', fileOf('logo.bin', png(64, 64))],
  ['an SVG', 'image/svg+xml', fileOf('logo.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>')],
  ['an SVG with a prologue', 'image/svg+xml', fileOf('a.svg', '<?xml version="1.0"?>\n<!-- x -->\n<svg></svg>')],
])('%s is recognized by its content', (_, contentType, path) => {
  const { brand, faults } = read({ BRAND_LOGO: path })
  expect(faults).toEqual([])
  expect(brand.logo?.contentType).toBe(contentType)
})

test.each([
  ['is neither PNG nor SVG', fileOf('page.svg', '<html><svg></svg></html>')],
  ['is neither PNG nor SVG', fileOf('empty.png', '')],
  ['is a damaged PNG', fileOf('short.png', png(1, 1).subarray(0, 20))],
  ['is a damaged PNG', fileOf('none.png', png(0, 10))],
  ['is larger than 2048 × 2048 pixels', fileOf('huge.png', png(20_000, 20_000))],
  ['is neither PNG nor SVG', fileOf('comments.svg', `${'<!-- x -->\n'.repeat(2000)}<html>`)],
  ['is longer than 100 KiB', fileOf('long.svg', `<svg>${' '.repeat(102_400)}</svg>`)],
  ['is not a regular file', folder],
  ['cannot be read', join(folder, 'missing.png')],
])('a logo that %s is refused at startup', (reason, path) => {
  expect(read({ BRAND_LOGO: path }).faults).toEqual([`BRAND_LOGO: the file ${reason}`])
})

test('all errors are reported together, by setting and without values', () => {
  const { faults } = read({
    BRAND_NAME: 'x'.repeat(41),
    BRAND_COLOR: 'red',
    SUPPORT_EMAIL: 'nobody',
    PRIVACY_URL: 'http://example.com/privacy',
    TERMS_URL: 'javascript:alert(1)',
  })
  expect(faults).toEqual([
    'BRAND_NAME: must have at most 40 characters',
    'BRAND_COLOR: must be a color like #1f4f82',
    'SUPPORT_EMAIL: must be an email address',
    'PRIVACY_URL: must be an https URL',
    'TERMS_URL: must be an https URL',
  ])
})
