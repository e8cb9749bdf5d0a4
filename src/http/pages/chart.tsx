import type { VNode } from 'preact'
import type { Locale } from '../../errors/catalogue.ts'
import { Table } from './table.tsx'

type Bar = { readonly day: Date; readonly counts: Readonly<Record<string, number>> }
type ChartProps = {
  readonly locale: Locale
  readonly title: string
  readonly bars: readonly Bar[]
  /** The parts of a bar from below, with their names. */
  readonly series: readonly { readonly key: string; readonly name: string }[]
  readonly dayName: string
  readonly totalName: string
  /** What the table behind the chart is called. */
  readonly tableName: string
  /** What is shown in place of bars that are all empty. */
  readonly none: string
}

const width = 728
const height = 150
/** The shades of the accent color, from below. Neighbors differ clearly. */
const shades = [1, 0.55, 0.28, 0.75, 0.15]
const shadeOf = (index: number): number => shades[index % shades.length] ?? 1

/**
 * Bars by day as a picture, and the same numbers as a table: a screen reader reads the table, and so does everyone who
 * wants to know a number. It needs no script, and no style that the Content Security Policy refuses.
 */
export function Chart({ locale, title, bars, series, dayName, totalName, tableName, none }: ChartProps): VNode {
  const totalOf = ({ counts }: Bar): number => Object.values(counts).reduce((total, count) => total + count, 0)
  const most = Math.max(1, ...bars.map(totalOf))
  const step = width / bars.length
  const format = new Intl.NumberFormat(locale)
  const long = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' })
  const short = new Intl.DateTimeFormat(locale, { day: 'numeric', timeZone: 'UTC' })
  /** One part alone is the total. */
  const parts = series.length < 2 ? [] : series
  if (bars.every((bar) => totalOf(bar) === 0)) return <p>{none}</p>
  return (
    <figure class="chart">
      <svg viewBox={`0 0 ${width} ${height + 32}`} role="img" aria-label={title}>
        {bars.map((bar, index) => {
          let top = height
          return (
            <g key={bar.day.toISOString()}>
              {series.map(({ key }, place) => {
                const tall = ((bar.counts[key] ?? 0) / most) * (height - 8)
                top -= tall
                return tall === 0 ? null : (
                  <rect
                    key={key}
                    x={index * step + step * 0.18}
                    y={top}
                    width={step * 0.64}
                    height={tall}
                    rx="2"
                    fill="var(--accent)"
                    fill-opacity={shadeOf(place)}
                  />
                )
              })}
              <text x={index * step + step / 2} y={height + 25} text-anchor="middle" fill="var(--soft)">
                {short.format(bar.day)}
              </text>
            </g>
          )
        })}
        <line x1="0" x2={width} y1={height} y2={height} stroke="var(--line)" />
      </svg>
      {parts.length === 0 ? null : (
        <figcaption class="fine">
          {parts.map(({ key, name }, place) => (
            <span key={key} class="key">
              <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
                <rect width="12" height="12" rx="2" fill="var(--accent)" fill-opacity={shadeOf(place)} />
              </svg>{' '}
              {name}{' '}
            </span>
          ))}
        </figcaption>
      )}
      <details>
        <summary>{tableName}</summary>
        <Table
          caption={title}
          head={[dayName, ...parts.map(({ name }) => name), totalName]}
          rows={bars.map((bar) => ({
            key: bar.day.toISOString(),
            cells: [
              long.format(bar.day),
              ...parts.map(({ key }) => format.format(bar.counts[key] ?? 0)),
              format.format(totalOf(bar)),
            ],
          }))}
        />
      </details>
    </figure>
  )
}
