import { crc32, deflateSync } from 'node:zlib'

const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')

/** One chunk of a PNG, with its checksum. */
export function pngChunk(type: string, content: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), content])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(content.length)
  sum.writeUInt32BE(crc32(named))
  return Buffer.concat([length, named, sum])
}

type PngOptions = { data?: Buffer; header?: Buffer; before?: readonly Buffer[]; after?: Buffer }

/** A gray PNG of this size. `data` replaces its compressed pixels, `header` the end of its header. */
export function png(width: number, height: number, options: PngOptions = {}): Buffer {
  const { data, header = Buffer.from([8, 0, 0, 0, 0]), before = [], after = Buffer.alloc(0) } = options
  const size = Buffer.alloc(8)
  size.writeUInt32BE(width)
  size.writeUInt32BE(height, 4)
  const pixels = data ?? deflateSync(Buffer.alloc(Math.min(height, 2048) * (1 + Math.min(width, 2048))))
  return Buffer.concat([
    signature,
    pngChunk('IHDR', Buffer.concat([size, header])),
    ...before,
    pngChunk('IDAT', pixels),
    pngChunk('IEND', Buffer.alloc(0)),
    after,
  ])
}
