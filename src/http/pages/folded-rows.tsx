import type { VNode } from 'preact'
import { useIsRefused } from './refusal.tsx'

/** How many rows of a list are shown at once. */
const shownRows = 5

type FoldedRowsProps = {
  /** The words of the link to the other rows, with their number. */
  readonly more: (count: number) => string
  /** The path of their forms: if one of them was refused, all rows are shown. */
  readonly around: string
  readonly children: readonly VNode[]
}

/** The first rows of a list, and the others behind a link. It works without a script. */
export const FoldedRows = ({ more, around, children }: FoldedRowsProps): VNode => (
  <>
    <ul class="rows">{children.slice(0, shownRows)}</ul>
    {children.length > shownRows ? (
      <details class="more" open={useIsRefused(around)}>
        <summary>{more(children.length - shownRows)}</summary>
        <ul class="rows">{children.slice(shownRows)}</ul>
      </details>
    ) : null}
  </>
)
