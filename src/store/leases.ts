import { and, eq, lte, sql } from 'drizzle-orm'
import type { LeaseStore } from '../jobs/ports.ts'
import type { Driver } from './driver.ts'

export function leaseStore({ db, tables: { leases: t }, write }: Driver): LeaseStore {
  return {
    async take(name, owner, until, at) {
      const taken = await write(
        db
          .insert(t)
          .values({ name, owner, expiresAt: until })
          .onConflictDoUpdate({
            target: t.name,
            set: { owner, expiresAt: until },
            setWhere: sql`${lte(t.expiresAt, at)} or ${eq(t.owner, owner)}`,
          })
          .returning({ name: t.name }),
      )
      return taken.length > 0
    },
    async release(name, owner) {
      await write(db.delete(t).where(and(eq(t.name, name), eq(t.owner, owner))))
    },
  }
}
