import { and, eq, not, sql } from 'drizzle-orm'
import type { MailStore } from '../mail/ports.ts'
import type { Driver } from './driver.ts'
import { queueOf } from './queue.ts'

export function mailStore(driver: Driver): MailStore {
  const { db, tables, write } = driver
  const { mails: t } = tables
  const queue = queueOf(driver, t)
  const isTo = (domain: string) => sql`lower(${t.to}) like ${`%@${domain.replace(/[!%_]/g, '!$&')}`} escape '!'`
  return {
    ...queue,
    take: (limit, at, until, domains = []) =>
      queue.take(limit, at, until, and(...domains.map((domain) => not(isTo(domain))))),
    async post(mail) {
      await write(db.insert(t).values(mail))
    },
    async finish(id) {
      await write(db.delete(t).where(eq(t.id, id)))
    },
  }
}
