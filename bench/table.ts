/** Formats results and compares them with their targets. */
export type Row = {
  readonly what: string
  readonly service: number
  /** What it is compared with. */
  readonly against?: { readonly name: string; readonly value: number }
  readonly ratio?: number
  readonly target?: { readonly atMost: number } | { readonly atLeast: number }
  readonly digits?: number
}
export type Section = { readonly title: string; readonly rows: readonly Row[] }

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

const number = (value: number, digits: number): string =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })

function verdict({ service, ratio, target }: Row): string {
  if (!target) return ''
  const value = ratio ?? service
  const [sign, limit, met] =
    'atMost' in target ? ['≤', target.atMost, value <= target.atMost] : ['≥', target.atLeast, value >= target.atLeast]
  return `${sign} ${limit}  ${met ? 'reached' : 'MISSED'}`
}

export function render(sections: readonly Section[]): string {
  const head = ['', 'service', 'against', '', 'ratio', 'target']
  const lines = sections.flatMap(({ title, rows }) => [
    [title],
    ...rows.map((row) => {
      const { what, service, against, ratio, digits = 0 } = row
      return [
        `  ${what}`,
        number(service, digits),
        against ? number(against.value, digits) : '',
        against?.name ?? '',
        ratio === undefined ? '' : ratio.toFixed(2),
        verdict(row),
      ]
    }),
  ])
  const widths = head.map((name, at) =>
    Math.max(name.length, ...lines.filter((line) => line.length > 1).map((line) => line[at]?.length ?? 0)),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => ([1, 2, 4].includes(at) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd()
  return [line(head), ...lines.map((cells) => (cells.length === 1 ? `\n${cells[0]}` : line(cells)))].join('\n')
}
