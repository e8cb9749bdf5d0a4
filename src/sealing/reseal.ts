import { setTimeout as sleep } from 'node:timers/promises'
import { type Sealer, UnopenableError } from '../kernel/crypto.ts'
import type { SealedStore, SealedValue, Tally } from './ports.ts'

/** Short enough that nobody who writes meanwhile notices; SQLite has one writer at a time. */
const rowsAtOnce = 50
const leastPauseMs = 10
/** Then somebody is still sealing with another key, and it is time to say so. */
const mostPasses = 10

export type Progress = { readonly table: string; readonly done: number; readonly total: number }
export type Resealed = {
  /** The key everything is to be sealed with. */
  readonly key: string
  readonly resealed: number
  /** What no key of the ring opens. */
  readonly unopenable: Tally
  /** What is sealed with another key still, though it opens: it was written meanwhile. */
  readonly left: Tally
}

type ResealParts = { store: SealedStore; sealer: Sealer; pause?: (ms: number) => Promise<unknown> }

const sum = (tally: Tally): number => tally.reduce((total, { values }) => total + values, 0)
const without = (tally: Tally, taken: Tally): Tally =>
  tally.flatMap(({ table, values }) => {
    const rest = values - (taken.find((one) => one.table === table)?.values ?? 0)
    return rest > 0 ? [{ table, values: rest }] : []
  })

/**
 * Seals everything anew that is not sealed with the first key of the ring, beside a service that goes on reading and
 * writing. It keeps no state: whatever a run that was killed had done is done, and the next one finds the rest.
 */
export const createReseal =
  ({ store, sealer, pause = sleep }: ResealParts) =>
  async (report: (progress: Progress) => void): Promise<Resealed> => {
    const key = sealer.sealsWith
    let tally = await store.otherThan(key)
    const totals = new Map(tally.map(({ table, values }) => [table, values]))
    for (const { table, values } of tally) report({ table, done: 0, total: values })
    const done = new Map<string, number>()
    let unopenable: Tally = []

    const freshOf = (value: SealedValue) => {
      try {
        return [{ value, fresh: sealer.seal(sealer.open(value.sealed, value.place), value.place) }]
      } catch (error) {
        if (error instanceof UnopenableError) return []
        throw error
      }
    }

    /**
     * Through one table, row after row, until as many values were looked at as there were: whoever adds more meanwhile
     * is not followed for ever. Answers how many of them do not open.
     */
    const walk = async (table: string, many: number): Promise<number> => {
      let [looked, closed, after] = [0, 0, '']
      for (;;) {
        const began = performance.now()
        const values = looked < many ? await store.next(table, key, after, rowsAtOnce) : []
        const last = values.at(-1)
        if (!last) return closed
        looked += values.length
        const changes = values.flatMap(freshOf)
        closed += values.length - changes.length
        const soFar = (done.get(table) ?? 0) + (await store.replace(changes))
        done.set(table, soFar)
        report({ table, done: soFar, total: Math.max(totals.get(table) ?? 0, soFar) })
        after = last.row
        // As long as others had to wait, they now have the database for themselves.
        await pause(Math.max(leastPauseMs, performance.now() - began))
      }
    }

    for (let pass = 0; pass < mostPasses && without(tally, unopenable).length > 0; pass++) {
      const closed: { table: string; values: number }[] = []
      for (const { table, values: many } of tally) {
        const values = await walk(table, many)
        if (values > 0) closed.push({ table, values })
      }
      unopenable = closed
      tally = await store.otherThan(key)
    }
    const left = without(tally, unopenable)
    return { key, resealed: sum([...done].map(([table, values]) => ({ table, values }))), unopenable, left }
  }
