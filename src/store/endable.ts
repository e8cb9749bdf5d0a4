import { and, asc, eq, exists, gt, lt, lte, type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core'
import { internalOrigin } from '../events/catalogue.ts'
import type { EndableKind, EndableStore } from '../sessions/ports.ts'
import type { Change } from './change.ts'
import { type Driver, step } from './driver.ts'
import { live, signedOut } from './endings.ts'

/** How many rows one transaction reads, so that no token refresh waits long for it. */
const rowsAtOnce = 500

type Deletable = { readonly table: SQLiteTable; readonly key: SQLiteColumn; readonly created: (before: Date) => SQL }

export function endableStore({ db, tables: t, read, write }: Driver, change: Change): EndableStore {
  const { sessions: s, signInCodes, tickets, pendingSignIns, trustedDevices } = t
  const deletable: Readonly<Record<Exclude<EndableKind, 'sessions'>, Deletable>> = {
    tickets: { table: tickets, key: tickets.id, created: (before) => lt(tickets.createdAt, before) },
    pendingSignIns: {
      table: pendingSignIns,
      key: pendingSignIns.id,
      created: (before) => lt(pendingSignIns.provenAt, before),
    },
    // The age of a code is that of its session.
    codes: {
      table: signInCodes,
      key: signInCodes.codeHash,
      created: (before) =>
        exists(
          db
            .select({ one: sql`1` })
            .from(s)
            .where(and(eq(s.id, signInCodes.sessionId), lt(s.createdAt, before))),
        ),
    },
    trustedDevices: {
      table: trustedDevices,
      key: trustedDevices.id,
      created: (before) => lt(trustedDevices.createdAt, before),
    },
  }

  /** The key of the last row that one transaction reads; `undefined` if no more rows than that are left. */
  async function lastOf(table: SQLiteTable, key: SQLiteColumn, after: string): Promise<string | undefined> {
    const [last] = await read(
      db
        .select({ key })
        .from(table)
        .where(gt(key, after))
        .orderBy(asc(key))
        .limit(1)
        .offset(rowsAtOnce - 1),
    )
    return last?.key as string | undefined
  }

  return {
    async endSome(kind, { before, after }, at) {
      const { table, key } = kind === 'sessions' ? { table: s, key: s.id } : deletable[kind]
      const last = await lastOf(table, key, after)
      const within = last === undefined ? gt(key, after) : and(gt(key, after), lte(key, last))
      if (kind !== 'sessions') {
        const created = deletable[kind].created(before)
        const deleted = await write(db.delete(table).where(and(within, created)).returning({ key }))
        return { ended: deleted.length, last }
      }
      const ended = await change(function* (tx, note) {
        const rows = yield* step(
          tx
            .update(s)
            .set({ endedAt: at, endReason: 'operator' })
            .where(and(within, lt(s.createdAt, before), live(t, at)))
            .returning({ id: s.id, accountId: s.accountId }),
        )
        yield* note(rows.flatMap((row) => signedOut([row], 'operator', row.accountId, internalOrigin)))
        return rows.length
      })
      return { ended, last }
    },
  }
}
