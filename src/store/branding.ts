import { eq, isNull } from 'drizzle-orm'
import type { BrandPictures, BrandStore, BrandValues, StoredBrand } from '../branding/ports.ts'
import type { Fact } from '../events/catalogue.ts'
import type { Change } from './change.ts'
import { type Driver, type Queries, type Script, step } from './driver.ts'
import { pictureOf, storePicture } from './pictures.ts'

/** The ID of the only row. */
const id = 'service'
/** Serializes changes: each is made to the fields that the one before left. */
const brandingLock = 'branding'

export function brandStore({ db, tables, read, reads }: Driver, change: Change): BrandStore {
  const { branding: t, pictures } = tables
  const reading = (q: Queries) => q.select({ version: t.version, values: t.values }).from(t).where(eq(t.id, id))
  /** The pictures that belong to no application, by field. */
  const ofBrand = (q: Queries) =>
    q
      .select({ id: pictures.id, contentType: pictures.contentType, body: pictures.body })
      .from(pictures)
      .where(isNull(pictures.applicationId))
  type Found = Awaited<ReturnType<typeof ofBrand>>
  const byField = (found: Found): BrandPictures => Object.fromEntries(found.map((row) => [row.id, pictureOf(row)]))
  const nothing: { version: number; values: BrandValues } = { version: 0, values: {} }
  const versionOf = reads(db.select({ version: t.version }).from(t).where(eq(t.id, id)))

  /** Changes the texts or the pictures, and the version with them. */
  const make = (
    { edit, put }: { edit: (values: BrandValues) => BrandValues; put?: (tx: Queries) => Script<void> },
    updatedAt: Date,
    because: Fact,
  ): Promise<StoredBrand> =>
    change(
      function* (tx, note) {
        const [current = nothing] = yield* step(reading(tx))
        const next = { version: current.version + 1, values: edit(current.values) }
        const row = { id, ...next, updatedAt }
        yield* step(tx.insert(t).values(row).onConflictDoUpdate({ target: t.id, set: row }))
        if (put) yield* put(tx)
        yield* note([because])
        return { ...next, pictures: byField(yield* step(ofBrand(tx))) }
      },
      [brandingLock],
    )
  return {
    version: async () => (await versionOf({}))[0]?.version ?? 0,
    async read() {
      // The version first: pictures that are newer than it are read again with their own version.
      const [current = nothing] = await read(reading(db))
      return { ...current, pictures: byField(await read(ofBrand(db))) }
    },
    change: (changes, at, because) =>
      make(
        {
          edit: (values) =>
            Object.fromEntries(
              Object.entries({ ...values, ...changes }).filter((entry): entry is [string, string] => entry[1] !== null),
            ),
        },
        at,
        because,
      ),
    setPicture: (field, picture, at, because) =>
      make(
        {
          edit: (values) => values,
          put: (tx) => storePicture(tx, tables, { id: field, applicationId: null }, picture, at),
        },
        at,
        because,
      ),
  }
}
