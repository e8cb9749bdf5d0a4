import { eq } from 'drizzle-orm'
import type { MailStore } from '../mail/ports.ts'
import type { Driver } from './driver.ts'
import { queueOf } from './queue.ts'

export function mailStore(driver: Driver): MailStore {
  const { db, tables, write } = driver
  const { mails: t } = tables
  return {
    ...queueOf(driver, t),
    async post(mail) {
      await write(db.insert(t).values(mail))
    },
    async finish(id) {
      await write(db.delete(t).where(eq(t.id, id)))
    },
  }
}
