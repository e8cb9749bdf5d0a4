import { eq } from 'drizzle-orm'
import type { ReadOnlyDriver } from './driver.ts'

/** The name of a lease that no job takes. `copy-to` writes it before the first row and deletes it after the check. */
export const copyMarker = 'copy-to'

/** Whether a copy into this database was started and not finished, so that rows are missing or were not verified. */
export async function isCopyUnfinished({ db, tables: { leases }, read }: ReadOnlyDriver): Promise<boolean> {
  const found = await read(db.select({ name: leases.name }).from(leases).where(eq(leases.name, copyMarker)))
  return found.length > 0
}
