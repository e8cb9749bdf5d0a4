import { eq } from 'drizzle-orm'
import type { Mail, MailStore } from '../mail/ports.ts'
import type { Driver, Queries } from './driver.ts'
import { queueOf } from './queue.ts'
import type { Tables } from './schema.ts'

export const insertMail = (tx: Pick<Queries, 'insert'>, { mails }: Pick<Tables, 'mails'>, mail: Mail) =>
  tx.insert(mails).values({ ...mail, domain: mail.to.slice(mail.to.lastIndexOf('@') + 1).toLowerCase() })

export function mailStore(driver: Driver): MailStore {
  const { db, tables, write } = driver
  const { mails: t } = tables
  return {
    ...queueOf(driver, t, t.domain),
    async post(mail) {
      await write(insertMail(db, tables, mail))
    },
    async finish(id) {
      await write(db.delete(t).where(eq(t.id, id)))
    },
  }
}
