import { eq } from 'drizzle-orm'
import type { BrandStore } from '../branding/ports.ts'
import type { Change } from './change.ts'
import { type Driver, type Queries, step } from './driver.ts'

/** The ID of the only row. */
const id = 'service'
/** Serializes changes: each is made to the fields that the one before left. */
const brandingLock = 'branding'

export function brandStore({ db, tables: { branding: t }, read, reads }: Driver, change: Change): BrandStore {
  const reading = (q: Queries) => q.select({ version: t.version, values: t.values }).from(t).where(eq(t.id, id))
  const versionOf = reads(db.select({ version: t.version }).from(t).where(eq(t.id, id)))
  return {
    version: async () => (await versionOf({}))[0]?.version ?? 0,
    read: async () => (await read(reading(db)))[0] ?? { version: 0, values: {} },
    change: (changes, updatedAt, because) =>
      change(
        function* (tx, note) {
          const [current = { version: 0, values: {} }] = yield* step(reading(tx))
          const values = Object.fromEntries(
            Object.entries({ ...current.values, ...changes }).filter(
              (entry): entry is [string, string] => entry[1] !== null,
            ),
          )
          const next = { version: current.version + 1, values }
          const row = { id, ...next, updatedAt }
          yield* step(tx.insert(t).values(row).onConflictDoUpdate({ target: t.id, set: row }))
          yield* note([because])
          return next
        },
        [brandingLock],
      ),
  }
}
