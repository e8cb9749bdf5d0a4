import { describe, expect, test } from 'vitest'
import type { RunRequest } from '../../src/jobs/ports.ts'
import { later, now, type Opened } from './people.ts'

/** What every store promises about the runs of jobs that nodes share. */
export function jobsContract(opened: () => Opened): void {
  const jobs = () => opened().store.jobs
  const asking = (owner: string, seconds: number, given: Partial<RunRequest> = {}): RunRequest => ({
    owner,
    at: later(seconds),
    until: later(seconds + 30),
    firstDue: later(60),
    latestDue: later(seconds + 600),
    onlyWhenDue: true,
    ...given,
  })
  const done = (owner: string, seconds: number, nextDue?: Date) => ({
    owner,
    at: later(seconds),
    milliseconds: 7,
    outcome: 'ok' as const,
    ...(nextDue && { nextDue }),
  })

  describe('a shared job', () => {
    test('is due when the first node to register it said', async () => {
      expect(await jobs().enroll('sweep', later(60))).toEqual(later(60))
      expect(await jobs().enroll('sweep', later(90))).toEqual(later(60))
      expect(await jobs().begin('sweep', asking('one', 59))).toEqual({ tag: 'not_due', dueAt: later(60) })
      expect(await jobs().begin('sweep', asking('one', 60))).toEqual({ tag: 'begun', dueAt: later(60) })
      expect(await jobs().begin('renew', asking('one', 5))).toEqual({ tag: 'not_due', dueAt: later(60) })
    })

    test('has one owner until it finishes or its lease expires, and then is still due', async () => {
      expect((await jobs().begin('sweep', asking('one', 60))).tag).toBe('begun')
      expect((await jobs().begin('sweep', asking('two', 89))).tag).toBe('busy')
      expect((await jobs().begin('sweep', asking('two', 90))).tag).toBe('begun')
      expect(await jobs().finish('sweep', done('one', 91, later(120)))).toBe(false)
      expect((await jobs().begin('sweep', asking('three', 92))).tag).toBe('busy')
      expect(await jobs().finish('sweep', done('two', 92, later(120)))).toBe(true)
      expect(await jobs().begin('sweep', asking('three', 93))).toEqual({ tag: 'not_due', dueAt: later(120) })
    })

    test('can be extended by its owner only', async () => {
      await jobs().begin('sweep', asking('one', 60))
      expect(await jobs().keep('sweep', 'two', later(900))).toBe(false)
      expect(await jobs().keep('sweep', 'one', later(120))).toBe(true)
      expect((await jobs().begin('sweep', asking('two', 119))).tag).toBe('busy')
      expect((await jobs().begin('sweep', asking('two', 120))).tag).toBe('begun')
      expect(await jobs().keep('sweep', 'one', later(900))).toBe(false)
    })

    test('that is not due yet gives no lease', async () => {
      await jobs().begin('sweep', asking('one', 0))
      expect((await jobs().begin('sweep', asking('two', 0, { onlyWhenDue: false }))).tag).toBe('begun')
    })

    test('run in between stays due at its time', async () => {
      expect(await jobs().begin('sweep', asking('one', 5, { onlyWhenDue: false }))).toEqual({
        tag: 'begun',
        dueAt: later(60),
      })
      await jobs().finish('sweep', done('one', 6))
      expect((await jobs().begin('sweep', asking('one', 59))).tag).toBe('not_due')
      expect((await jobs().begin('sweep', asking('one', 60))).tag).toBe('begun')
    })

    test('that is due later than it can be is due now, and only once: the clock was set back', async () => {
      await jobs().enroll('sweep', later(3600))
      const earlier = { latestDue: later(70) }
      expect((await jobs().begin('sweep', asking('one', 0, earlier))).tag).toBe('begun')
      await jobs().finish('sweep', done('one', 1, later(60)))
      expect(await jobs().begin('sweep', asking('two', 2, earlier))).toEqual({ tag: 'not_due', dueAt: later(60) })
    })

    test('records the result of its last run', async () => {
      await jobs().enroll('renew', later(30))
      await jobs().begin('sweep', asking('one', 60))
      const [idle, running] = await jobs().list(later(61))
      expect(idle).toEqual({
        name: 'renew',
        dueAt: later(30),
        startedAt: null,
        finishedAt: null,
        milliseconds: null,
        outcome: null,
        runs: 0,
        failures: 0,
        running: false,
      })
      expect(running).toMatchObject({ name: 'sweep', startedAt: later(60), finishedAt: null, running: true })
      await jobs().finish('sweep', { ...done('one', 62, later(120)), outcome: 'failed' })
      await jobs().begin('sweep', asking('two', 120))
      await jobs().finish('sweep', done('two', 121, later(180)))
      expect((await jobs().list(later(122)))[1]).toEqual({
        name: 'sweep',
        dueAt: later(180),
        startedAt: later(120),
        finishedAt: later(121),
        milliseconds: 7,
        outcome: 'ok',
        runs: 2,
        failures: 1,
        running: false,
      })
    })

    test('is no longer running when its node died', async () => {
      await jobs().begin('sweep', asking('one', 60))
      expect(await jobs().list(later(89))).toMatchObject([{ running: true }])
      expect(await jobs().list(later(90))).toMatchObject([{ running: false, startedAt: later(60), runs: 0 }])
    })

    test('has no owner before it is registered', async () => {
      expect(await jobs().list(now)).toEqual([])
      expect(await jobs().keep('sweep', 'one', later(30))).toBe(false)
      expect(await jobs().finish('sweep', done('one', 1))).toBe(false)
    })
  })
}
