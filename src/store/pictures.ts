import { eq } from 'drizzle-orm'
import { contentHash } from '../kernel/crypto.ts'
import type { Picture } from '../kernel/picture.ts'
import { type Queries, type Script, step } from './driver.ts'
import type { Tables } from './schema.ts'

type StoredPicture = { readonly contentType: Picture['contentType']; readonly body: string }

/** As it was before it was stored. */
export const pictureOf = ({ contentType, body }: StoredPicture): Picture => ({
  contentType,
  body: Buffer.from(body, 'base64'),
})

/** Stores a picture under an ID in place of the one before, or deletes it with `null`. */
export function* storePicture(
  tx: Queries,
  { pictures: t }: Pick<Tables, 'pictures'>,
  of: { readonly id: string; readonly applicationId: string | null },
  picture: Picture | null,
  updatedAt: Date,
): Script<void> {
  if (picture === null) {
    yield* step(tx.delete(t).where(eq(t.id, of.id)))
    return
  }
  const { contentType, body } = picture
  const row = { ...of, hash: contentHash(body), contentType, body: body.toString('base64'), updatedAt }
  yield* step(tx.insert(t).values(row).onConflictDoUpdate({ target: t.id, set: row }))
}
