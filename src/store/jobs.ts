import { and, asc, eq, getTableColumns, gt, lte, or, sql } from 'drizzle-orm'
import type { JobStore } from '../jobs/ports.ts'
import { type Driver, step } from './driver.ts'

export function jobStore({ db, tables: { jobs: t, leases }, read, write, atomic }: Driver): JobStore {
  const fresh = (name: string, dueAt: Date) => ({
    name,
    dueAt,
    startedAt: null,
    finishedAt: null,
    milliseconds: null,
    outcome: null,
    runs: 0,
    failures: 0,
  })
  const ours = (name: string, owner: string) => and(eq(leases.name, name), eq(leases.owner, owner))

  return {
    async enroll(name, firstDue) {
      await write(db.insert(t).values(fresh(name, firstDue)).onConflictDoNothing())
      const [known] = await read(db.select({ dueAt: t.dueAt }).from(t).where(eq(t.name, name)))
      return known?.dueAt ?? firstDue
    },

    begin: (name, { owner, at, until, firstDue, latestDue, onlyWhenDue }) =>
      atomic(function* (tx) {
        // Take the lease first: a node that waits for its row then sees what the previous holder has written.
        const [taken] = yield* step(
          tx
            .insert(leases)
            .values({ name, owner, expiresAt: until })
            .onConflictDoUpdate({
              target: leases.name,
              set: { owner, expiresAt: until },
              setWhere: sql`${lte(leases.expiresAt, at)} or ${eq(leases.owner, owner)}`,
            })
            .returning({ name: leases.name }),
        )
        if (!taken) return { tag: 'busy' }
        yield* step(tx.insert(t).values(fresh(name, firstDue)).onConflictDoNothing())
        const [begun] = yield* step(
          tx
            .update(t)
            .set({ startedAt: at })
            .where(and(eq(t.name, name), onlyWhenDue ? or(lte(t.dueAt, at), gt(t.dueAt, latestDue)) : undefined))
            .returning({ dueAt: t.dueAt }),
        )
        if (begun) return { tag: 'begun', dueAt: begun.dueAt }
        yield* step(tx.delete(leases).where(ours(name, owner)))
        const [known] = yield* step(tx.select({ dueAt: t.dueAt }).from(t).where(eq(t.name, name)))
        return { tag: 'not_due', dueAt: known?.dueAt ?? firstDue }
      }),

    async keep(name, owner, until) {
      const kept = await write(
        db.update(leases).set({ expiresAt: until }).where(ours(name, owner)).returning({ name: leases.name }),
      )
      return kept.length > 0
    },

    finish: (name, { owner, at, milliseconds, outcome, nextDue }) =>
      atomic(function* (tx) {
        const [released] = yield* step(tx.delete(leases).where(ours(name, owner)).returning({ name: leases.name }))
        if (!released) return false
        yield* step(
          tx
            .update(t)
            .set({
              finishedAt: at,
              milliseconds,
              outcome,
              runs: sql`${t.runs} + 1`,
              ...(outcome === 'failed' && { failures: sql`${t.failures} + 1` }),
              ...(nextDue && { dueAt: nextDue }),
            })
            .where(eq(t.name, name)),
        )
        return true
      }),

    async list(at) {
      const rows = await read(
        db
          .select({ ...getTableColumns(t), leasedBy: leases.owner })
          .from(t)
          .leftJoin(leases, and(eq(leases.name, t.name), gt(leases.expiresAt, at)))
          .orderBy(asc(t.name)),
      )
      return rows.map(({ leasedBy, ...record }) => ({ ...record, running: leasedBy !== null }))
    },
  }
}
