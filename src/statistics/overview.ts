import { type Clock, secondsAfter } from '../kernel/clock.ts'
import type { HourlyCount, Measure, StatisticsStore } from './ports.ts'

/** How many days the overview shows, today included. */
export const shownDays = 14
/** How many sign-in methods a chart distinguishes. The others are shown together. */
const maxMethods = 4
const dayMs = 86_400_000

/** What happened on one day (UTC), by label. */
export type Day = { readonly day: Date; readonly counts: Readonly<Record<string, number>> }

/** What administrators see first. Every number was counted by a job, so reading it costs the same at any size. */
export type Overview = {
  /** When the last hour was counted; `null` until the first run. */
  readonly countedAt: Date | null
  readonly accounts: number
  readonly devices: number
  readonly needsConsent: number
  readonly newThisWeek: number
  /** Sign-ins and refusals of the last 24 hours. */
  readonly signInsToday: number
  readonly refusedToday: number
  /** The refusals of the last 24 hours by error code, most frequent first. */
  readonly refusedBy: readonly (readonly [code: string, count: number])[]
  /** The labels of `signIns`, most frequent first; `other` is last. */
  readonly methods: readonly string[]
  /** Oldest first, without gaps. */
  readonly signIns: readonly Day[]
  readonly newAccounts: readonly Day[]
}

export const createOverview =
  ({ statistics, clock }: { readonly statistics: StatisticsStore; readonly clock: Clock }) =>
  async (): Promise<Overview> => {
    const today = new Date(Math.floor(clock().getTime() / dayMs) * dayMs)
    const counts = await statistics.since(new Date(today.getTime() - (shownDays - 1) * dayMs))
    return overviewOf(counts, today, clock())
  }

/** Pure. `today` is the start of the current day, UTC. */
export function overviewOf(counts: readonly HourlyCount[], today: Date, now: Date): Overview {
  const of = (measure: Measure, from?: Date): readonly HourlyCount[] =>
    counts.filter((one) => one.measure === measure && (from === undefined || one.hour >= from))
  const sum = (some: readonly HourlyCount[]): number => some.reduce((total, { count }) => total + count, 0)
  const byLabel = (some: readonly HourlyCount[]): readonly (readonly [string, number])[] => {
    const found = new Map<string, number>()
    for (const { label, count } of some) found.set(label, (found.get(label) ?? 0) + count)
    return [...found].sort(([a, many], [b, more]) => more - many || a.localeCompare(b))
  }
  const days = Array.from({ length: shownDays }, (_, n) => new Date(today.getTime() - (shownDays - 1 - n) * dayMs))
  const byDay = (some: readonly HourlyCount[], labelOf: (label: string) => string): readonly Day[] =>
    days.map((day) => {
      const within = some.filter(({ hour }) => hour >= day && hour.getTime() < day.getTime() + dayMs)
      return { day, counts: Object.fromEntries(byLabel(within.map((one) => ({ ...one, label: labelOf(one.label) })))) }
    })

  const used = byLabel(of('signIns')).map(([label]) => label)
  const named = new Set(used.length <= maxMethods + 1 ? used : used.slice(0, maxMethods))
  const methodOf = (label: string): string => (named.has(label) ? label : 'other')
  const recent = secondsAfter(now, -24 * 3600)
  const latest = (measure: Measure): number => of(measure).at(-1)?.count ?? 0
  return {
    countedAt: counts.at(-1)?.hour ?? null,
    accounts: latest('accounts'),
    devices: latest('devices'),
    needsConsent: latest('needsConsent'),
    newThisWeek: sum(of('newAccounts', secondsAfter(now, -7 * 24 * 3600))),
    signInsToday: sum(of('signIns', recent)),
    refusedToday: sum(of('refused', recent)),
    refusedBy: byLabel(of('refused', recent)),
    methods: [...named, ...(named.size < used.length ? ['other'] : [])],
    signIns: byDay(of('signIns'), methodOf),
    newAccounts: byDay(of('newAccounts'), () => 'all'),
  }
}
