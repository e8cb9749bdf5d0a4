import { setTimeout as sleep } from 'node:timers/promises'
import { type Sealer, UnopenableError } from '../kernel/crypto.ts'
import type { SealedStore, SealedValue, Tally } from './ports.ts'

/** Small enough that concurrent writers do not notice; SQLite has one writer at a time. */
const rowsAtOnce = 50
const minPauseMs = 10
/** Stop after this many passes: some process is still sealing with another key, and the report must say so. */
const maxPasses = 10

export type Progress = { readonly table: string; readonly done: number; readonly total: number }
export type ResealReport = {
  /** The key that everything should be sealed with. */
  readonly key: string
  readonly resealed: number
  /** Values that no key of the ring opens. */
  readonly unopenable: Tally
  /** Values that open but are still sealed with another key, because they were written in the meantime. */
  readonly left: Tally
}

type ResealParts = { store: SealedStore; sealer: Sealer; pause?: (ms: number) => Promise<unknown> }

const sum = (tally: Tally): number => tally.reduce((total, { values }) => total + values, 0)
const without = (tally: Tally, subtracted: Tally): Tally =>
  tally.flatMap(({ table, values }) => {
    const rest = values - (subtracted.find((one) => one.table === table)?.values ?? 0)
    return rest > 0 ? [{ table, values: rest }] : []
  })

/**
 * Seals again every value that is not sealed with the first key of the ring, while the service keeps reading and
 * writing. It keeps no state: after an interruption, the finished work stays done, and the next run finds the rest.
 */
export const createReseal =
  ({ store, sealer, pause = sleep }: ResealParts) =>
  async (report: (progress: Progress) => void): Promise<ResealReport> => {
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
     * Goes through one table, row after row, until it has read as many values as there were at the start. It must not
     * chase new values without end. Returns how many of them do not open.
     */
    const walk = async (table: string, limit: number): Promise<number> => {
      let [examined, unopened, after] = [0, 0, '']
      for (;;) {
        const began = performance.now()
        const values = examined < limit ? await store.next(table, key, after, rowsAtOnce) : []
        const last = values.at(-1)
        if (!last) return unopened
        examined += values.length
        const changes = values.flatMap(freshOf)
        unopened += values.length - changes.length
        const soFar = (done.get(table) ?? 0) + (await store.replace(changes))
        done.set(table, soFar)
        report({ table, done: soFar, total: Math.max(totals.get(table) ?? 0, soFar) })
        after = last.row
        // Pause for as long as the batch took, so that others can use the database.
        await pause(Math.max(minPauseMs, performance.now() - began))
      }
    }

    for (let pass = 0; pass < maxPasses && without(tally, unopenable).length > 0; pass++) {
      const closed: { table: string; values: number }[] = []
      for (const { table, values: limit } of tally) {
        const values = await walk(table, limit)
        if (values > 0) closed.push({ table, values })
      }
      unopenable = closed
      tally = await store.otherThan(key)
    }
    const left = without(tally, unopenable)
    return { key, resealed: sum([...done].map(([table, values]) => ({ table, values }))), unopenable, left }
  }
