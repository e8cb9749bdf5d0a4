import type { VNode } from 'preact'
import { perPage } from './admin-frame.tsx'
import { Table, type TableProps } from './table.tsx'

/** One page of a list that is read whole: the rows after a cursor, and the cursor of the next page. */
export function slice<T extends { readonly id: string }>(all: readonly T[], after: string | undefined) {
  const from = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1
  const shown = all.slice(from, from + perPage)
  return { shown, next: all.length > from + perPage ? shown.at(-1)?.id : undefined }
}

type ListProps = TableProps & {
  /** `undefined`: the heading of the page names it. */
  readonly heading?: string
  /** What is shown in place of the table while there is nothing. */
  readonly none: string
  /** The link to the next page; `null` on the last one. */
  readonly next: { readonly href: string; readonly label: string } | null
}

/** A list of the administration: its rows, which are cards on phones, and the link to the next page. */
export const List = ({ heading, none, next, ...table }: ListProps): VNode => (
  <>
    <section class="panel" {...(heading === undefined ? {} : { 'aria-labelledby': 'all' })}>
      {heading === undefined ? null : <h2 id="all">{heading}</h2>}
      {table.rows.length === 0 ? <p>{none}</p> : <Table {...table} />}
    </section>
    {next === null ? null : (
      <p class="actions">
        <a class="button" href={next.href}>
          {next.label}
        </a>
      </p>
    )}
  </>
)
