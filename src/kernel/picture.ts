import { contentHash } from './crypto.ts'

/** A checked picture: its bytes, and the type that its bytes have. */
export type Picture = { readonly contentType: PictureType; readonly body: Buffer }
export type PictureType = 'image/png' | 'image/svg+xml'

/** The name of its file: its hash and what it is. */
export const pictureName = ({ contentType, body }: Picture): string =>
  `${contentHash(body)}.${contentType === 'image/png' ? 'png' : 'svg'}`

/** A larger picture would delay every sign-in page on a phone. In bytes. */
export const mostPictureBytes = 100 * 1024
