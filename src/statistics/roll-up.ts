import { whenBusy } from '../kernel/busy.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { type CountedEntry, type HourlyCount, type Measure, measures, type StatisticsStore } from './ports.ts'

/** How far back the first run counts, in hours: what the overview shows. Counts are kept as long. */
export const keptHours = 14 * 24
const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** How many entries the first statement of an event reads, and each further one: most services have few per minute. */
const firstEntries = 100
const furtherEntries = 1000
/**
 * Codes and sign-in methods come from closed lists, but a provider's ID is in the operator's hands. More than this are
 * counted together.
 */
const maxLabels = 40
/** After a run, nothing is counted for this many times as long as it took: half a percent of the time. */
const pauseFactor = 200
const longestPauseMs = 600_000

export const hourOf = (at: Date): Date => new Date(Math.floor(at.getTime() / hourMs) * hourMs)

/** Which event counts for which measure, and under which label. `weight`: one entry may stand for many attempts. */
const counted: Readonly<
  Record<string, { readonly measure: Measure; readonly label: string; readonly weight?: string }>
> = {
  'authentication.succeeded': { measure: 'signIns', label: 'provider' },
  'authentication.failed': { measure: 'refused', label: 'code', weight: 'attempts' },
  'account.created': { measure: 'newAccounts', label: 'via' },
}

const ofEntries: readonly Measure[] = Object.values(counted).map(({ measure }) => measure)

type MeasuredCount = Omit<HourlyCount, 'hour'>
type RollUpParts = { readonly statistics: StatisticsStore; readonly clock: Clock }

/**
 * Counts the audit log by hour, so that the overview costs the same at a million accounts. The current hour and the one
 * before it are counted again at every run: an entry of the last moment may have been committed after the run.
 */
export function createRollUp({ statistics, clock }: RollUpParts) {
  let nextAt = 0

  /** Counts the entries of some hours, by the start of their hour. They are read in one go: most hours have no entry. */
  async function countEntries(from: Date, until: Date): Promise<ReadonlyMap<number, readonly MeasuredCount[]>> {
    const found = new Map<number, MeasuredCount[]>()
    for (const [event, { measure, label, weight }] of Object.entries(counted)) {
      const hours = new Map<number, Map<string, number>>()
      let after: CountedEntry | null = null
      do {
        const limit: number = after === null ? firstEntries : furtherEntries
        const entries: readonly CountedEntry[] = await statistics.entries(event, { from, until }, { after, limit })
        for (const { at, data } of entries) {
          const hour = hourOf(at).getTime()
          const counts = hours.get(hour) ?? new Map<string, number>()
          hours.set(hour, counts)
          const name = String(data[label] ?? '')
          const key = counts.has(name) || counts.size < maxLabels ? name : 'other'
          const many = weight === undefined ? 1 : Number(data[weight] ?? 1)
          counts.set(key, (counts.get(key) ?? 0) + many)
        }
        after = entries.length < limit ? null : (entries.at(-1) ?? null)
      } while (after !== null)
      for (const [hour, counts] of hours) {
        const measured = [...counts].map(([name, count]) => ({ measure, label: name, count }))
        found.set(hour, [...(found.get(hour) ?? []), ...measured])
      }
    }
    return found
  }

  /** Counts every hour that is not counted yet, the present one last. */
  async function countHours(now: Date, stopping: AbortSignal | undefined): Promise<void> {
    const current = hourOf(now)
    const earliest = secondsAfter(current, -keptHours * 3600)
    const latest = await statistics.latestHour()
    const first = latest === undefined ? earliest : new Date(Math.max(earliest.getTime(), latest.getTime() - hourMs))
    const end = current.getTime() + hourMs
    // A day at a time: a run that is interrupted goes on after the last stored hour.
    for (let from = first.getTime(); from < end && !stopping?.aborted; from += dayMs) {
      const until = Math.min(from + dayMs, end)
      const counts = await countEntries(new Date(from), new Date(until))
      for (let at = from; at < until; at += hourMs) {
        const hour = new Date(at)
        // If the totals cannot be counted now, the entries are counted all the same.
        const totals = hour < current ? undefined : await statistics.totals(now, stopping).catch(whenBusy(undefined))
        const measured = Object.entries(totals ?? {}) as [Measure, number][]
        const found = [
          ...(counts.get(at) ?? []),
          ...measured.map(([measure, count]) => ({ measure, label: '', count })),
        ]
        // The first run on a new database would otherwise write 336 times that there is nothing.
        if (found.length > 0 || (latest !== undefined && hour <= latest))
          // Without new totals, those of an earlier run stay: the overview shows the latest ones.
          await statistics.replace(hour, found, totals === undefined ? ofEntries : measures)
      }
    }
  }

  return {
    /**
     * Counts every hour that is not counted yet. Does nothing shortly after a run that took long, even if it failed:
     * small services see numbers within a minute, and large ones spend little on them. `stopping` ends the run early.
     */
    async work(stopping?: AbortSignal): Promise<void> {
      const now = clock()
      if (now.getTime() < nextAt) return
      try {
        await countHours(now, stopping)
      } finally {
        const ended = clock().getTime()
        nextAt = ended + Math.min(longestPauseMs, pauseFactor * (ended - now.getTime()))
      }
    },
  }
}
export type RollUp = ReturnType<typeof createRollUp>
