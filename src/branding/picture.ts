import { mostPictureBytes, type Picture } from '../kernel/picture.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { isPng } from './logo.ts'
import { mostPixels, type PngFault, readPng } from './png.ts'
import { type SvgFault, sanitizeSvg } from './svg.ts'

/** Why an uploaded file is refused. `limit`: the most that is accepted, in KiB or in pixels. */
export type PictureFault = {
  readonly reason: PngFault | SvgFault | 'not_a_picture' | 'too_many_bytes'
  readonly limit?: number
}

/** A byte order mark and white space may come first. */
const startsAsXml = /^(?:\xef\xbb\xbf)?\s*</

/** Checks an uploaded file, and keeps of it only what a picture needs. */
export async function checkPicture(file: Buffer): Promise<Result<Picture, PictureFault>> {
  if (file.length > mostPictureBytes) return err({ reason: 'too_many_bytes', limit: mostPictureBytes / 1024 })
  if (!isPng(file)) {
    if (!startsAsXml.test(file.toString('latin1', 0, 64))) return err({ reason: 'not_a_picture' })
    const sanitized = await sanitizeSvg(file)
    if (sanitized.ok) return ok({ contentType: 'image/svg+xml', body: sanitized.value })
    return err({ reason: sanitized.error })
  }
  const read = readPng(file)
  if (read.ok) return ok({ contentType: 'image/png', body: read.value })
  return err({ reason: read.error, ...(read.error === 'too_many_pixels' ? { limit: mostPixels } : {}) })
}
