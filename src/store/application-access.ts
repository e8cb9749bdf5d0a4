import { and, asc, desc, eq, gt, inArray, isNull, sql } from 'drizzle-orm'
import type { ApplicationAccessStore } from '../applications/ports.ts'
import { queueNotices } from './application-endings.ts'
import { accountLock, type Change, type ChangeParts } from './change.ts'
import { type Driver, step } from './driver.ts'

/** More than the sign-ins that one person can overlook. Of more, the newest are shown. */
const mostSignIns = 1000

/** What the applications of one account are, and the end of one of them. */
export function applicationAccessStore(
  { db, tables: t, readLong }: Driver,
  change: Change,
  parts: ChangeParts,
): ApplicationAccessStore {
  const { applicationConsents: c, applicationSessions: a, applications, sessions } = t
  return {
    async list(accountId, at) {
      const last = sql<number>`max(${a.createdAt})`
      const [consents, signIns] = await Promise.all([
        readLong(
          db
            .select({ applicationId: c.applicationId, scopes: c.scopes, resources: c.resources, at: c.createdAt })
            .from(c)
            .where(eq(c.accountId, accountId))
            .orderBy(asc(c.applicationId)),
        ),
        readLong(
          db
            .select({
              applicationId: a.applicationId,
              sessionId: a.sessionId,
              at: last.mapWith(a.createdAt),
              scope: a.scope,
            })
            .from(a)
            .where(
              and(eq(a.accountId, accountId), isNull(a.endedAt), gt(a.idleExpiresAt, at), gt(a.absoluteExpiresAt, at)),
            )
            .groupBy(a.applicationId, a.sessionId, a.scope)
            .orderBy(desc(last))
            .limit(mostSignIns),
        ),
      ])
      const ids = [...new Set([...signIns, ...consents].map(({ applicationId }) => applicationId))]
      if (ids.length === 0) return []
      const [known, devices] = await Promise.all([
        readLong(db.select().from(applications).where(inArray(applications.id, ids))),
        readLong(
          db
            .select({ id: sessions.id, name: sessions.name, userAgent: sessions.userAgent })
            .from(sessions)
            .where(
              inArray(
                sessions.id,
                signIns.map(({ sessionId }) => sessionId),
              ),
            ),
        ),
      ])
      const deviceOf = new Map(devices.map((one) => [one.id, one]))
      return ids.flatMap((id) => {
        const application = known.find((one) => one.id === id)
        if (!application) return []
        const consent = consents.find(({ applicationId }) => applicationId === id)
        const own = signIns.filter(({ applicationId }) => applicationId === id)
        const once = own.filter(({ sessionId }, n) => own.findIndex((one) => one.sessionId === sessionId) === n)
        const seen = own.flatMap(({ scope }) => (scope === '' ? [] : scope.split(' ')))
        return {
          application,
          // It may have lost a scope that the person once allowed.
          scopes: consent?.scopes.filter((scope) => application.scopes.includes(scope)) ?? [...new Set(seen)],
          resources: consent?.resources.filter((one) => application.resources.includes(one)) ?? [],
          allowedAt: consent?.at ?? null,
          signIns: once.map(({ sessionId, at: signedInAt }) => ({
            sessionId,
            signedInAt,
            deviceName: deviceOf.get(sessionId)?.name ?? null,
            userAgent: deviceOf.get(sessionId)?.userAgent ?? null,
          })),
        }
      })
    },

    withdraw: ({ accountId, applicationId }, at, because) =>
      change(
        function* (tx, note) {
          const consents = yield* step(
            tx
              .delete(c)
              .where(and(eq(c.accountId, accountId), eq(c.applicationId, applicationId)))
              .returning({ id: c.id }),
          )
          const ended = yield* step(
            tx
              .update(a)
              .set({ endedAt: at })
              .where(and(eq(a.applicationId, applicationId), eq(a.accountId, accountId), isNull(a.endedAt)))
              .returning(),
          )
          if (consents.length + ended.length === 0) return false
          yield* queueNotices(tx, t, parts, ended)
          yield* note(because)
          return true
        },
        // A consent that is given at the same time comes either before or after.
        [accountLock(accountId)],
      ),
  }
}
