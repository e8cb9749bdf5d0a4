import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { err, ok, type Result } from '../kernel/result.ts'
import type { Logo } from './brand.ts'
import { pngSignature, readPng } from './png.ts'

/** A larger picture would delay every sign-in page on a phone. In bytes. */
export const mostLogoBytes = 100 * 1024

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
  if (body.subarray(0, pngSignature.length).equals(pngSignature)) {
    const picture = readPng(body)
    return picture.ok ? ok({ contentType: 'image/png', body: picture.value }) : picture
  }
  const text = body.toString('utf8')
  // An XML declaration, comments and a doctype may come first.
  const isSvg = /^\uFEFF?\s*(?:<\?xml[^>]*\?>\s*|<!--[\s\S]*?-->\s*|<!DOCTYPE\s+svg[^>[]*>\s*)*<svg[\s>]/i.test(text)
  return isSvg ? ok({ contentType: 'image/svg+xml', body }) : err('is neither PNG nor SVG')
}
