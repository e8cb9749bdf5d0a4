import type { ComponentChildren, VNode } from 'preact'

export type TableProps = {
  /** The name of the table, for screen readers, where no heading stands right above it. */
  readonly caption?: string
  /** The headers of the columns. The first column names each row. */
  readonly head: readonly string[]
  /** One cell for each header. */
  readonly rows: readonly { readonly key: string; readonly cells: readonly ComponentChildren[] }[]
}

/** A cell without a value. On phones, its line is left out. */
const nothing = '–'

/**
 * The only table of the administration. On phones each row is a card, in which the header of its column stands before
 * each cell (`.cards` in the stylesheet).
 */
export const Table = ({ caption, head, rows }: TableProps): VNode => (
  <table class="numbers cards">
    {caption === undefined ? null : <caption class="unseen">{caption}</caption>}
    <thead>
      <tr>
        {head.map((name) => (
          <th key={name} scope="col">
            {name}
          </th>
        ))}
      </tr>
    </thead>
    <tbody>
      {rows.map(({ key, cells }) => (
        <tr key={key}>
          {cells.map((cell, n) =>
            n === 0 ? (
              <th key={head[n]} scope="row">
                {cell}
              </th>
            ) : (
              <td key={head[n]} data-label={head[n]} class={cell === nothing ? 'none' : undefined}>
                {cell}
              </td>
            ),
          )}
        </tr>
      ))}
    </tbody>
  </table>
)
