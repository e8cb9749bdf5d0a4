/** What a PNG may contain before it is served to everyone who signs in. */
import { deflateSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { readPng } from '../../src/branding/png.ts'
import { png, pngChunk } from '../support/png.ts'

test('a picture stays as it is, without the chunks that a camera or a program added', () => {
  const plain = png(16, 8)
  expect(readPng(plain)).toEqual({ ok: true, value: plain })
  const before = ['tEXt', 'eXIf', 'iCCP', 'acTL', 'prVt'].map((type) => pngChunk(type, Buffer.from('secret')))
  expect(readPng(png(16, 8, { before }))).toEqual({ ok: true, value: plain })
})

test.each([
  ['colors', Buffer.from([8, 6, 0, 0, 0]), 4 * 16],
  ['16 bits', Buffer.from([16, 2, 0, 0, 0]), 6 * 16],
  ['1 bit', Buffer.from([1, 0, 0, 0, 0]), 2],
])('a picture with %s is read', (_, header, row) => {
  expect(readPng(png(16, 8, { header, data: deflateSync(Buffer.alloc(8 * (1 + row))) })).ok).toBe(true)
})

const script = Buffer.from('<script>alert(1)</script>')
const whole = png(16, 8)
const flipped = (at: number): Buffer => {
  const copy = Buffer.from(whole)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}
test.each<[string, Buffer, string]>([
  ['data after its end', png(16, 8, { after: script }), 'followed_by_data'],
  ['a second picture after its end', Buffer.concat([whole, whole]), 'followed_by_data'],
  ['too few pixels', png(16, 8, { data: deflateSync(Buffer.alloc(10)) }), 'damaged'],
  ['a bomb', png(16, 8, { data: deflateSync(Buffer.alloc(50_000_000)) }), 'damaged'],
  ['pixels that are not compressed', png(16, 8, { data: script }), 'damaged'],
  ['an unknown color type', png(16, 8, { header: Buffer.from([8, 5, 0, 0, 0]) }), 'damaged'],
  ['two headers', png(16, 8, { before: [pngChunk('IHDR', Buffer.alloc(13, 1))] }), 'damaged'],
  ['a wrong checksum', flipped(whole.length - 20), 'damaged'],
  ['a wrong length', flipped(8), 'damaged'],
  ['no height', png(16, 0), 'damaged'],
  ['a huge width', png(20_000, 8), 'too_many_pixels'],
])('a picture with %s is refused', (_, body, reason) => {
  expect(readPng(body)).toEqual({ ok: false, error: reason })
})

test('a picture that is cut off anywhere is refused', () => {
  for (let length = 8; length < whole.length; length += 1) expect(readPng(whole.subarray(0, length)).ok).toBe(false)
})
