import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { mostPictureBytes, type Picture } from '../kernel/picture.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { mostPixels, type PngFault, pngSignature, readPng } from './png.ts'

/**
 * Reads a picture of the operator: PNG, or SVG. The error completes a sentence about the file. A browser runs no script
 * of an SVG in an `<img>` and loads nothing for it; the headers of the response forbid both if someone opens the file
 * itself.
 */
export function readLogo(path: string): Result<Picture, string> {
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
    if (kind.size > mostPictureBytes) return err(`is longer than ${mostPictureBytes / 1024} KiB`)
    const body = Buffer.alloc(kind.size)
    return logoOf(body.subarray(0, readSync(file, body, 0, body.length, 0)))
  } catch {
    return err('cannot be read')
  } finally {
    closeSync(file)
  }
}

const sentences: Readonly<Record<PngFault, string>> = {
  damaged: 'is a damaged PNG',
  followed_by_data: 'has data after the end of the picture',
  too_many_pixels: `is larger than ${mostPixels} × ${mostPixels} pixels`,
}

function logoOf(body: Buffer): Result<Picture, string> {
  if (isPng(body)) {
    const picture = readPng(body)
    return picture.ok ? ok({ contentType: 'image/png', body: picture.value }) : err(sentences[picture.error])
  }
  return isSvg(body) ? ok({ contentType: 'image/svg+xml', body }) : err('is neither PNG nor SVG')
}

/** A picture is recognized by its content, never by its name or by what its sender calls it. */
export const isPng = (body: Buffer): boolean => body.subarray(0, pngSignature.length).equals(pngSignature)

/** An XML declaration, comments and a doctype may come first. */
const isSvg = (body: Buffer): boolean =>
  /^\uFEFF?\s*(?:<\?xml[^>]*\?>\s*|<!--(?:(?!-->)[\s\S])*-->\s*|<!DOCTYPE\s+svg[^>[]*>\s*)*<svg[\s>]/i.test(
    body.toString('utf8'),
  )
