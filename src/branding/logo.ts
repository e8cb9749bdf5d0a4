import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { err, ok, type Result } from '../kernel/result.ts'
import type { Logo } from './brand.ts'

/** A larger picture would delay every sign-in page on a phone. In bytes. */
export const mostLogoBytes = 100 * 1024
/** In pixels. A small PNG file can still fill the memory of a phone. */
const mostPixels = 2048

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/**
 * Reads a picture: PNG, or SVG. The error completes a sentence about the file. A browser runs no script of an SVG in an
 * `<img>` and loads nothing for it; the headers of the response forbid both if someone opens the file itself.
 */
export function readLogo(path: string): Result<Logo, string> {
  let file: number
  try {
    // Without O_NONBLOCK, opening a pipe that has no writer would wait forever.
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch {
    return err('cannot be read')
  }
  try {
    const kind = fstatSync(file)
    if (!kind.isFile()) return err('is not a regular file')
    if (kind.size > mostLogoBytes) return err(`is longer than ${mostLogoBytes / 1024} KiB`)
    const body = Buffer.alloc(kind.size)
    return logoOf(body.subarray(0, readSync(file, body, 0, body.length, 0)))
  } catch {
    return err('cannot be read')
  } finally {
    closeSync(file)
  }
}

/** Recognizes a picture by its content, never by its name. */
export function logoOf(body: Buffer): Result<Logo, string> {
  if (body.subarray(0, signature.length).equals(signature)) {
    // The first chunk of every PNG is IHDR, with width and height (PNG, section 11.2.2).
    if (body.length < 33 || body.toString('latin1', 12, 16) !== 'IHDR') return err('is a damaged PNG')
    const [width, height] = [body.readUInt32BE(16), body.readUInt32BE(20)]
    if (width < 1 || height < 1) return err('is a damaged PNG')
    if (width > mostPixels || height > mostPixels) return err(`is larger than ${mostPixels} × ${mostPixels} pixels`)
    return ok({ contentType: 'image/png', body })
  }
  const text = body.toString('utf8')
  // An XML declaration, comments and a doctype may come first.
  const isSvg = /^\uFEFF?\s*(?:<\?xml[^>]*\?>\s*|<!--[\s\S]*?-->\s*|<!DOCTYPE\s+svg[^>[]*>\s*)*<svg[\s>]/i.test(text)
  return isSvg ? ok({ contentType: 'image/svg+xml', body }) : err('is neither PNG nor SVG')
}
