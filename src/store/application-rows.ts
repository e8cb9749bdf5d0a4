import { eq, inArray } from 'drizzle-orm'
import type { Driver } from './driver.ts'

/** How many rows one statement deletes, so that no other writer waits long for it. */
const rowsAtOnce = 500

/**
 * Erases, in batches, the rows of an application of which it may have one for each person. It runs before the statement
 * that deletes the application, which would delete them all at once. Disable the application before, so that no new
 * rows appear. If a call is interrupted, the next one continues.
 */
export const eraseRowsOf =
  ({ db, tables: { applicationConsents, applicationSessions, logoutNotices }, write }: Driver) =>
  async (applicationId: string): Promise<void> => {
    for (const table of [applicationConsents, applicationSessions, logoutNotices])
      for (let rows = rowsAtOnce; rows === rowsAtOnce; ) {
        const own = eq(table.applicationId, applicationId)
        const some = db.select({ id: table.id }).from(table).where(own).limit(rowsAtOnce)
        rows = (await write(db.delete(table).where(inArray(table.id, some)).returning({ id: table.id }))).length
      }
  }
