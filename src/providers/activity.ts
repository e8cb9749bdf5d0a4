/** Recent sign-ins with each provider on this node, from events alone, for the administrators' pages. */
import type { Bus } from '../events/bus.ts'
import type { Clock } from '../kernel/clock.ts'

export type ProviderActivity = {
  /** When a person last signed in with it; `null` if none has since the node started. */
  readonly lastSuccess: Date | null
  /** The sign-ins with it that were refused in the last 24 hours. */
  readonly refusals: number
}

const hourMs = 3_600_000
const hours = 24
/** There are at most a few hundred providers. An ID that was deleted makes room for another one. */
const mostProviders = 500

type Counts = { lastSuccess: Date | null; readonly refusalsByHour: Map<number, number> }

/** Counts in memory, by the hour: an answer costs nothing, and a flood of refusals does not use more memory. */
export function createProviderActivity(events: Pick<Bus, 'on'>, clock: Clock) {
  const since = clock()
  const counted = new Map<string, Counts>()
  const of = (provider: string): Counts => {
    const known = counted.get(provider)
    if (known) return known
    const [oldest] = counted.keys()
    if (counted.size >= mostProviders && oldest !== undefined) counted.delete(oldest)
    const counts: Counts = { lastSuccess: null, refusalsByHour: new Map() }
    counted.set(provider, counts)
    return counts
  }
  const hourOf = (at: Date): number => Math.floor(at.getTime() / hourMs)

  events.on('successes of providers', ['authentication.succeeded'], ({ data, at }) => {
    of(data.provider).lastSuccess = at
  })
  events.on('refusals of providers', ['authentication.failed'], ({ data, at }) => {
    const { refusalsByHour } = of(data.provider)
    const hour = hourOf(at)
    refusalsByHour.set(hour, (refusalsByHour.get(hour) ?? 0) + 1)
    for (const old of refusalsByHour.keys()) if (old <= hour - hours) refusalsByHour.delete(old)
  })

  return {
    /** When this node began to count. */
    since,
    of(provider: string): ProviderActivity {
      const counts = counted.get(provider)
      const now = hourOf(clock())
      const recent = [...(counts?.refusalsByHour ?? [])].filter(([hour]) => hour > now - hours)
      return {
        lastSuccess: counts?.lastSuccess ?? null,
        refusals: recent.reduce((sum, [, refusals]) => sum + refusals, 0),
      }
    },
  }
}
export type ProviderActivities = ReturnType<typeof createProviderActivity>
