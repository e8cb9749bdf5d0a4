import { sql } from 'drizzle-orm'
import type { RateLimitStore } from '../http/ports.ts'
import type { Driver } from './driver.ts'

export function rateLimitStore({ db, tables: { rateLimits: t }, writes }: Driver): RateLimitStore {
  const over = sql`${t.resetsAt} <= ${sql.param(sql.placeholder('at'), t.resetsAt)}`
  const hitting = writes(
    db
      .insert(t)
      .values({
        key: sql.placeholder('key'),
        hits: 1,
        resetsAt: sql`${sql.param(sql.placeholder('resetsAt'), t.resetsAt)}`,
      })
      .onConflictDoUpdate({
        target: t.key,
        set: {
          hits: sql`case when ${over} then 1 else ${t.hits} + 1 end`,
          resetsAt: sql`case when ${over} then excluded.resets_at else ${t.resetsAt} end`,
        },
      })
      .returning({ hits: t.hits, resetsAt: t.resetsAt }),
  )
  return {
    async hit(key, windowMs, at) {
      const [counted] = await hitting({ key, at, resetsAt: new Date(at.getTime() + windowMs) })
      if (!counted) throw new Error('an upsert that always writes wrote nothing')
      return counted
    },
  }
}
