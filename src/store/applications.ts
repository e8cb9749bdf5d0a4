import { and, asc, desc, eq, gt, isNotNull, isNull, lt, or, sql } from 'drizzle-orm'
import type { ApplicationStore, ConsentStore, LogoutNoticeStore, OpenidStateStore } from '../applications/ports.ts'
import type { Ids } from '../kernel/ids.ts'
import { pictureName } from '../kernel/picture.ts'
import { eraseRowsOf } from './application-rows.ts'
import { caps, deleteBeyond } from './caps.ts'
import { accountLock, type Change, prepareChange } from './change.ts'
import { type Driver, placeholderFor, type Queries, step } from './driver.ts'
import { pictureOf, storePicture } from './pictures.ts'
import { queueOf } from './queue.ts'

export function applicationStore(driver: Driver, change: Change): ApplicationStore {
  const { db, tables, read, readLong, reads, write } = driver
  const eraseRows = eraseRowsOf(driver)
  const { applications: t, pictures } = tables
  const logoByHash = reads(
    db
      .select({ contentType: pictures.contentType, body: pictures.body })
      .from(pictures)
      .where(and(eq(pictures.hash, sql.placeholder('hash')), isNotNull(pictures.applicationId)))
      .limit(1),
  )
  const byId = reads(
    db
      .select()
      .from(t)
      .where(eq(t.id, sql.placeholder('id'))),
  )
  return {
    create: (application, most, because) =>
      change(
        function* (tx, note) {
          const known = yield* step(tx.select({ id: t.id }).from(t).where(eq(t.source, application.source)).limit(most))
          if (known.length === most) return false
          yield* step(tx.insert(t).values(application))
          yield* note(because)
          return true
        },
        // Of two concurrent calls, the second sees the first one's row.
        ['applications'],
      ),
    async find(id) {
      const [found] = await byId({ id })
      return found
    },
    list: () => readLong(db.select().from(t).orderBy(desc(t.createdAt), desc(t.id))),
    async corsOrigins() {
      const some = and(isNull(t.disabledAt), sql`cast(${t.corsOrigins} as text) <> '[]'`)
      const rows = await readLong(db.select({ origins: t.corsOrigins }).from(t).where(some))
      return new Set(rows.flatMap(({ origins }) => origins))
    },
    any: async () => (await read(db.select({ id: t.id }).from(t).limit(1))).length > 0,
    update: (id, decide, because) =>
      change(
        function* (tx, note) {
          const [current] = yield* step(tx.select().from(t).where(eq(t.id, id)))
          const decided = current && decide(current)
          if (!decided) return undefined
          const [updated] = yield* step(tx.update(t).set(decided).where(eq(t.id, id)).returning())
          if (updated) yield* note(because)
          return updated
        },
        ['applications'],
      ),
    putDocument: (application, most, because) =>
      change(
        function* (tx, note) {
          const { id, source, disabledAt: _, createdAt: __, lastUsedAt: ___, logo: ____, ...said } = application
          const [known] = yield* step(tx.select().from(t).where(eq(t.id, id)))
          if (known) {
            const [replaced] = yield* step(tx.update(t).set(said).where(eq(t.id, id)).returning())
            if (known.documentHash !== application.documentHash) yield* note(because)
            return replaced
          }
          const others = yield* step(tx.select({ id: t.id }).from(t).where(eq(t.source, source)).limit(most))
          if (others.length === most) {
            const unused = and(eq(t.source, source), isNull(t.lastUsedAt))
            const [oldest] = yield* step(
              tx.select({ id: t.id }).from(t).where(unused).orderBy(asc(t.createdAt)).limit(1),
            )
            if (!oldest) return undefined
            yield* step(tx.delete(t).where(eq(t.id, oldest.id)))
          }
          yield* step(tx.insert(t).values(application))
          yield* note(because)
          return application
        },
        ['applications'],
      ),
    rotateSecret: (id, secretHash, previousUntil, because) =>
      change(function* (tx, note) {
        const [rotated] = yield* step(
          tx
            .update(t)
            .set({ secretHash, previousHash: sql`${t.secretHash}`, previousUntil })
            .where(and(eq(t.id, id), isNotNull(t.secretHash)))
            .returning(),
        )
        if (rotated) yield* note(because)
        return rotated
      }),
    endPreviousSecret: (id, at, because) =>
      change(function* (tx, note) {
        const [ended] = yield* step(
          tx
            .update(t)
            .set({ previousHash: null, previousUntil: null })
            .where(and(eq(t.id, id), isNotNull(t.previousHash), gt(t.previousUntil, at)))
            .returning(),
        )
        if (ended) yield* note(because)
        return ended
      }),
    setLogo: (id, logo, at, because) =>
      change(
        function* (tx, note) {
          const set = { logo: logo && pictureName(logo), updatedAt: at }
          const [changed] = yield* step(tx.update(t).set(set).where(eq(t.id, id)).returning())
          if (!changed) return undefined
          yield* storePicture(tx, tables, { id, applicationId: id }, logo, at)
          yield* note(because)
          return changed
        },
        ['applications'],
      ),
    async logo(hash) {
      const [found] = await logoByHash({ hash })
      return found && pictureOf(found)
    },
    setDisabled: (id, at, because) =>
      change(function* (tx, note) {
        const [changed] = yield* step(
          tx
            .update(t)
            .set({ disabledAt: at })
            .where(and(eq(t.id, id), at === null ? isNotNull(t.disabledAt) : isNull(t.disabledAt)))
            .returning(),
        )
        if (changed) {
          yield* note(because)
          return changed
        }
        const [current] = yield* step(tx.select().from(t).where(eq(t.id, id)))
        return current
      }),
    async remove(id, at, because) {
      const disabling = db.update(t).set({ disabledAt: sql`coalesce(${t.disabledAt}, ${sql.param(at, t.disabledAt)})` })
      if ((await write(disabling.where(eq(t.id, id)).returning({ id: t.id }))).length === 0) return false
      await eraseRows(id)
      return change(function* (tx, note) {
        const removed = yield* step(tx.delete(t).where(eq(t.id, id)).returning({ id: t.id }))
        if (removed.length === 0) return false
        yield* note(because)
        return true
      })
    },
    async touch(id, at) {
      await write(
        db
          .update(t)
          .set({ lastUsedAt: at })
          .where(and(eq(t.id, id), or(isNull(t.lastUsedAt), lt(t.lastUsedAt, at)))),
      )
    },
  }
}

export function consentStore(
  { db, tables: { applicationConsents: t }, read }: Driver,
  change: Change,
  ids: Ids,
): ConsentStore {
  const of = (accountId: string, applicationId: string) =>
    and(eq(t.accountId, accountId), eq(t.applicationId, applicationId))
  return {
    async find(accountId, applicationId) {
      const [found] = await read(db.select().from(t).where(of(accountId, applicationId)))
      return found
    },
    allow: ({ accountId, applicationId, scopes, resources, documentHash }, at, because) =>
      change(
        function* (tx, note) {
          const [known] = yield* step(tx.select().from(t).where(of(accountId, applicationId)))
          const before = known?.documentHash === documentHash ? known : undefined
          const allowed = {
            scopes: [...new Set([...(before?.scopes ?? []), ...scopes])],
            resources: [...new Set([...(before?.resources ?? []), ...resources])],
            documentHash,
            updatedAt: at,
          }
          if (known) yield* step(tx.update(t).set(allowed).where(eq(t.id, known.id)))
          else yield* step(tx.insert(t).values({ id: ids('cns'), accountId, applicationId, createdAt: at, ...allowed }))
          yield* note(because)
        },
        // Two consents at the same time: the second adds to the first.
        [accountLock(accountId)],
      ),
  }
}

export function logoutNoticeStore(driver: Driver): LogoutNoticeStore {
  const { db, tables, write } = driver
  const t = tables.logoutNotices
  return {
    ...queueOf(driver, t, t.applicationId),
    async finish(id) {
      await write(db.delete(t).where(eq(t.id, id)))
    },
  }
}

export function openidStateStore(
  { db, tables: { openidStates: t }, atomic, reads, write }: Driver,
  change: Change,
): OpenidStateStore {
  const use = (tx: Queries, id: string, at: Date) =>
    tx
      .update(t)
      .set({ usedAt: at })
      .where(and(eq(t.id, id), isNull(t.usedAt)))
      .returning({ id: t.id })
  const byId = reads(
    db
      .select()
      .from(t)
      .where(eq(t.id, placeholderFor('id', t.id))),
  )
  return {
    async put(state) {
      const { payload, accountId, createdAt, expiresAt } = state
      // The code of a device gets its account minutes after it was created. It must not be the oldest one then.
      const set = { payload, accountId, createdAt, expiresAt }
      const putting = (tx: Queries) => tx.insert(t).values(state).onConflictDoUpdate({ target: t.id, set })
      if (accountId === null) return void (await write(putting(db)))
      await atomic(
        function* (tx) {
          yield* step(putting(tx))
          const which = eq(t.accountId, accountId)
          yield* deleteBeyond(tx, t, { which, key: t.id, age: t.createdAt, most: caps.openidStates })
        },
        [`openid_states:${accountId}`],
      )
    },
    async find(id) {
      const [found] = await byId({ id })
      return found
    },
    use: async (id, at) => (await write(use(db, id, at))).length > 0,
    using: (id, at) =>
      prepareChange(change, {
        *script(tx) {
          return (yield* step(use(tx, id, at))).length > 0
        },
        locks: [],
      }),
    async remove(id) {
      await write(db.delete(t).where(eq(t.id, id)))
    },
    async claim(state) {
      const written = await write(db.insert(t).values(state).onConflictDoNothing().returning({ id: t.id }))
      return written.length > 0
    },
  }
}
