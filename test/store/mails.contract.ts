import { describe, expect, test } from 'vitest'
import type { Mail } from '../../src/mail/ports.ts'
import { takeDue } from '../support/take-due.ts'
import { later, newId, now, type Opened } from './people.ts'

export const mail = (given: Partial<Mail> = {}): Mail => ({
  id: newId('eml'),
  to: 'ada@example.com',
  locale: 'en',
  template: 'sign_in',
  params: { a: 'b "c" é' },
  secret: 'sealed',
  accountId: null,
  attempts: 0,
  nextAttemptAt: now,
  lastError: null,
  createdAt: now,
  ...given,
})

/** What every store promises about the mail queue. */
export function mailsContract(opened: () => Opened): void {
  const queue = () => opened().store.mails

  describe('a queued message', () => {
    test('is read back as it was queued, when it is due and not before', async () => {
      const message = mail({ nextAttemptAt: later(10) })
      await queue().post(message)
      expect(await takeDue(queue(), 9, later(9), later(99))).toEqual([])
      expect(await takeDue(queue(), 9, later(10), later(99))).toMatchObject([{ ...message, nextAttemptAt: later(99) }])
    })

    test('belongs to one worker until its lease expires, even when that worker died', async () => {
      await queue().post(mail())
      expect(await takeDue(queue(), 9, now, later(60))).toHaveLength(1)
      expect(await takeDue(queue(), 9, later(59), later(99))).toEqual([])
      expect(await takeDue(queue(), 9, later(60), later(99))).toHaveLength(1)
    })

    test('is taken once by concurrent workers, in order of due time and up to the requested number', async () => {
      const messages = Array.from({ length: 12 }, (_, n) => mail({ nextAttemptAt: later(n), createdAt: later(n) }))
      for (const message of messages) await queue().post(message)
      expect((await takeDue(queue(), 2, later(60), later(99))).map(({ id }) => id)).toEqual(
        messages.slice(0, 2).map(({ id }) => id),
      )
      const taken: string[] = []
      for (let round = 0; round < 12; round++) {
        const rounds = await Promise.all([1, 2, 3].map(() => takeDue(queue(), 1, later(60), later(99))))
        taken.push(...rounds.flat().map(({ id }) => id))
      }
      expect(taken.sort()).toEqual(
        messages
          .slice(2)
          .map(({ id }) => id)
          .sort(),
      )
    })

    test('is deleted when it is finished, and counted until then', async () => {
      const [one, two] = [mail(), mail()]
      await queue().post(one)
      await queue().post(two)
      await takeDue(queue(), 9, now, later(60))
      expect(await queue().backlog()).toBe(2)
      await queue().finish(one.id)
      expect(await queue().backlog()).toBe(1)
      expect((await takeDue(queue(), 9, later(60), later(99))).map(({ id }) => id)).toEqual([two.id])
    })

    test('that is retried stores its attempts and last error', async () => {
      const message = mail()
      await queue().post(message)
      await takeDue(queue(), 9, now, later(60))
      await queue().retry(message.id, later(15), 'ETIMEDOUT')
      expect(await takeDue(queue(), 9, later(14), later(99))).toEqual([])
      expect(await takeDue(queue(), 9, later(15), later(99))).toMatchObject([{ attempts: 1, lastError: 'ETIMEDOUT' }])
    })
  })
}
