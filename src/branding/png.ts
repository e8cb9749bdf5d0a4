import { crc32, inflateSync } from 'node:zlib'
import { err, ok, type Result } from '../kernel/result.ts'

/** In pixels. A small PNG file can still fill the memory of a phone. */
export const mostPixels = 2048

/** Why a PNG is refused. */
export type PngFault = 'damaged' | 'followed_by_data' | 'too_many_pixels'

export const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/** What a picture needs. Text, times, locations and previews that a camera or a program added are not published. */
const kept = new Set(['IHDR', 'PLTE', 'tRNS', 'gAMA', 'cHRM', 'sRGB', 'IDAT', 'IEND'])
const samples: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

/**
 * Reads a whole PNG and writes it again with only the chunks that a picture needs. A file may be valid in two formats: data after the end, or in a chunk that is left out, would be the other.
 */
export function readPng(body: Buffer): Result<Buffer, PngFault> {
  const damaged = err('damaged' as const)
  const chunks: Buffer[] = [pngSignature]
  const data: Buffer[] = []
  let header: Buffer | undefined
  for (let at = pngSignature.length; ; ) {
    if (at + 12 > body.length) return damaged
    const end = at + 12 + body.readUInt32BE(at)
    if (end > body.length) return damaged
    const type = body.toString('latin1', at + 4, at + 8)
    if (crc32(body.subarray(at + 4, end - 4)) !== body.readUInt32BE(end - 4)) return damaged
    // The first chunk of every PNG is IHDR, with width and height (PNG, section 11.2.2).
    if ((type === 'IHDR') === (header !== undefined)) return damaged
    if (type === 'IHDR') {
      header = body.subarray(at + 8, end - 4)
      if (header.length !== 13) return damaged
      const [width, height] = sizeOf(header)
      if (width < 1 || height < 1) return damaged
      if (width > mostPixels || height > mostPixels) return err('too_many_pixels' as const)
    }
    if (type === 'IDAT') data.push(body.subarray(at + 8, end - 4))
    if (kept.has(type)) chunks.push(body.subarray(at, end))
    at = end
    if (type !== 'IEND') continue
    if (at < body.length) return err('followed_by_data' as const)
    return header && isPicture(header, Buffer.concat(data)) ? ok(Buffer.concat(chunks)) : damaged
  }
}

const sizeOf = (header: Buffer): readonly [width: number, height: number] => [
  header.readUInt32BE(0),
  header.readUInt32BE(4),
]

/** Whether the data is as long as its header says. Reading stops there, so a bomb costs no more than a picture. */
function isPicture(header: Buffer, data: Buffer): boolean {
  const [width, height] = sizeOf(header)
  const perPixel = (samples[header[9] ?? -1] ?? 0) * (header[8] ?? 0)
  if (perPixel === 0) return false
  const isInterlaced = header[12] === 1
  const bytes = height * (1 + Math.ceil((width * perPixel) / 8))
  // Seven passes have more rows, each with a byte of its own and a partly used one.
  const most = isInterlaced ? bytes + 4 * height + 64 : bytes
  try {
    const { length } = inflateSync(data, { maxOutputLength: most })
    return isInterlaced ? length > 0 : length === most
  } catch {
    return false
  }
}
